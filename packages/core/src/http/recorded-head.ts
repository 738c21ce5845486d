// The head of a recorded response and its check. The check is written by hand, because every replay runs it.
import { isFramingHeader } from './framing-headers.js';
import { type HeaderEntry, headerNamePattern, isHeaderLine } from './headers.js';
import type { TrailerEntry } from './response.js';

/** Null stands for the usual reason phrase. A list, because member names would double the length of most heads. */
export type RecordedHead = readonly [
  status: number,
  reason: string | null,
  set: readonly HeaderEntry[],
  removed: readonly string[],
  trailers: readonly TrailerEntry[],
];

/** The indices that lead to the first invalid value. Null: all are valid. */
type InvalidPath = readonly number[] | null;
type HeadCheck = (value: unknown) => InvalidPath;

/** The sender sets the framing headers, so no record may contain one. */
const isRecordableName = (value: unknown) =>
  typeof value === 'string' && headerNamePattern.test(value) && !isFramingHeader(value);
/** 1xx statuses are informational: a final response follows them. */
const isFinalStatus = (value: unknown) => Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 999;

const nameCheck = checkOf(isRecordableName);
const lineCheck = checkOf(isHeaderLine);
const valueCheck = checkOf((value) => isHeaderLine(value) || (Array.isArray(value) && value.every(isHeaderLine)));

/**
 * Finds what would keep Node from sending this as the head of a response. A record that cannot be replayed must be reported as such,
 * not fail while it is sent.
 */
export const findInvalid: HeadCheck = tupleOf([
  checkOf(isFinalStatus),
  checkOf((reason) => reason === null || isHeaderLine(reason)),
  listOf(tupleOf([nameCheck, valueCheck])),
  listOf(nameCheck),
  listOf(tupleOf([nameCheck, lineCheck])),
]);

function checkOf(isValid: (value: unknown) => boolean): HeadCheck {
  return (value) => (isValid(value) ? null : []);
}

function listOf(item: HeadCheck): HeadCheck {
  return (list) => (Array.isArray(list) ? firstInvalid(list, () => item) : []);
}

function tupleOf(members: readonly HeadCheck[]): HeadCheck {
  return (list) =>
    Array.isArray(list) && list.length === members.length ? firstInvalid(list, (at) => members[at]) : [];
}

function firstInvalid(list: readonly unknown[], checkAt: (at: number) => HeadCheck | undefined): InvalidPath {
  for (let at = 0; at < list.length; at += 1) {
    const path = checkAt(at)?.(list[at]) ?? null;
    if (path !== null) return [at, ...path];
  }
  return null;
}
