// The head of a recorded answer, and its check: by hand, since every replay comes here.
import { headerLinePattern, headerNamePattern, isFramingHeader } from './headers.js';

/** Status, reason phrase (null: the usual one), headers set, headers removed, trailers. A list: names would double its length. */
export type RecordedHead = readonly [
  status: number,
  reason: string | null,
  set: readonly (readonly [name: string, value: string | readonly string[]])[],
  removed: readonly string[],
  trailers: readonly (readonly [name: string, value: string])[],
];

/** The way to what is not as it must be, by indices. Null: everything is. */
type InvalidPath = readonly number[] | null;
type HeadCheck = (value: unknown) => InvalidPath;

const isHeaderLine = (value: unknown) => typeof value === 'string' && headerLinePattern.test(value);
/** Framing is the sender's: no record says how an answer is cut. */
const isRecordableName = (value: unknown) =>
  typeof value === 'string' && headerNamePattern.test(value) && !isFramingHeader(value);
/** An answer that is the last one: 1xx come before it. */
const isFinalStatus = (value: unknown) => Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 999;

const nameCheck = checkOf(isRecordableName);
const lineCheck = checkOf(isHeaderLine);
const valueCheck = checkOf((it) => isHeaderLine(it) || (Array.isArray(it) && it.every(isHeaderLine)));

/**
 * What would keep this from being the head of an answer that Node sends. A record that cannot be replayed is better known as
 * one.
 */
export const findInvalid: HeadCheck = tupleOf([
  checkOf(isFinalStatus),
  checkOf((reason) => reason === null || isHeaderLine(reason)),
  listOf(tupleOf([nameCheck, valueCheck])),
  listOf(nameCheck),
  listOf(tupleOf([nameCheck, lineCheck])),
]);

function checkOf(holds: (value: unknown) => boolean): HeadCheck {
  return (value) => (holds(value) ? null : []);
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
    const flaw = checkAt(at)?.(list[at]) ?? null;
    if (flaw !== null) return [at, ...flaw];
  }
  return null;
}
