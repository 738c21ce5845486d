// The head of a recorded answer, and its check: by hand, since every replay comes here.
import { headerLinePattern, headerNamePattern, isFraming } from './headers.js';

/** Status, reason phrase (null: the usual one), headers set, headers removed, trailers. A list: names would double its length. */
export type Head = readonly [
  status: number,
  reason: string | null,
  set: readonly (readonly [name: string, value: string | readonly string[]])[],
  removed: readonly string[],
  trailers: readonly (readonly [name: string, value: string])[],
];

/** The way to what is not as it must be, by indices. Null: everything is. */
type Flaw = readonly number[] | null;
type Check = (value: unknown) => Flaw;

const isText = (value: unknown) => typeof value === 'string' && headerLinePattern.test(value);
/** Framing is the sender's: no record says how an answer is cut. */
const isName = (value: unknown) => typeof value === 'string' && headerNamePattern.test(value) && !isFraming(value);
/** An answer that is the last one: 1xx come before it. */
const isStatus = (value: unknown) => Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 999;

const name = that(isName);
const text = that(isText);
const value = that((it) => isText(it) || (Array.isArray(it) && it.every(isText)));

/**
 * What would keep this from being the head of an answer that Node sends. A record that cannot be replayed is better known as
 * one.
 */
export const flawIn: Check = tupleOf([
  that(isStatus),
  that((reason) => reason === null || isText(reason)),
  listOf(tupleOf([name, value])),
  listOf(name),
  listOf(tupleOf([name, text])),
]);

function that(holds: (value: unknown) => boolean): Check {
  return (value) => (holds(value) ? null : []);
}

function listOf(item: Check): Check {
  return (list) => (Array.isArray(list) ? firstFlaw(list, () => item) : []);
}

function tupleOf(members: readonly Check[]): Check {
  return (list) => (Array.isArray(list) && list.length === members.length ? firstFlaw(list, (at) => members[at]) : []);
}

function firstFlaw(list: readonly unknown[], checkAt: (at: number) => Check | undefined): Flaw {
  for (let at = 0; at < list.length; at += 1) {
    const flaw = checkAt(at)?.(list[at]) ?? null;
    if (flaw !== null) return [at, ...flaw];
  }
  return null;
}
