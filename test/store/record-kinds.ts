// Records as work leaves them, and what a repeat gets from each: with an outcome, free with a step, or in doubt.
import { isDeepStrictEqual } from 'node:util';
import { type ExecuteOptions, executeIdempotently, type OperationContext, StoreError } from '@onceguard/core';
import type { IdempotencyStore } from '@onceguard/core/store';
import { FaultStore } from '@onceguard/testing';
import { expect } from 'vitest';

const day = 86_400_000;

interface RecordKind {
  /** What a repeat gets. */
  readonly value?: (n: number) => unknown;
  run(context: OperationContext, n: number): unknown;
  readonly options?: object;
  /** What a repeat may get that does not read the damaged bytes. */
  readonly rightly?: 'outcome_unknown';
}

/** Records as work leaves them: with the outcome inside or in a side key, free with a step, or in doubt. */
const recordKinds: readonly RecordKind[] = [
  recording((n) => ({ charge: n, paid: true })),
  recording((n) => `a longer text of ${n}: ${'x'.repeat(n % 700)}`),
  recording((n) => Buffer.alloc(n % 90, n), { ttlMs: day, tombstoneMs: 7 * day }),
  { run: stepping },
  { run: stepping, options: { onFailure: 'unknown', onAbandoned: 'block' }, rightly: 'outcome_unknown' },
  { run: (_, n) => Promise.reject(new Error(`${n}`)), options: { onFailure: 'unknown' }, rightly: 'outcome_unknown' },
];

function recording(value: (n: number) => unknown, options = {}): RecordKind {
  return { run: (_, n) => value(n), value, options };
}

export async function stepping({ step }: OperationContext, n: number): Promise<never> {
  await step('charge', () => `ch_${n}`);
  await step('mail', () => n, { atMostOnce: n % 2 === 0 });
  throw new Error('the process failed');
}

const kindOf = (n: number) => recordKinds[n % recordKinds.length];

function callOf(store: IdempotencyStore, n: number): ExecuteOptions<unknown> {
  return { store, scope: 'shop', key: `order-${n}`, fingerprint: n, ...kindOf(n)?.options };
}

/** Leaves the record of each number. */
export async function leaveRecords(store: IdempotencyStore, numbers: readonly number[]): Promise<void> {
  await Promise.all(
    numbers.map((n) => executeIdempotently((context) => kindOf(n)?.run(context, n), callOf(store, n)).catch(() => {})),
  );
}

/** Which number has which record, by the name of the record. */
export async function numbersByName(store: IdempotencyStore, numbers: readonly number[]): Promise<Map<string, number>> {
  const names = new Map<string, number>();
  for (const n of numbers) {
    const watched = new FaultStore(store, 30_000);
    const call = { ...callOf(store, n), store: watched, fingerprint: 'none' };
    await executeIdempotently(() => expect.unreachable('It runs.'), call).catch(() => {});
    names.set(watched.calls[0]?.key ?? '', n);
  }
  return names;
}

/** What a repeat gets: the class of the error, or the kind that must not occur. */
export async function endOfRepeat(store: IdempotencyStore, n: number, bypasses: boolean): Promise<string> {
  const options = { ...callOf(store, n), onStoreUnavailable: bypasses ? ('bypass' as const) : ('reject' as const) };
  let ran = false;
  const run = () => {
    ran = true;
  };
  const { value, rightly } = kindOf(n) ?? {};
  try {
    const end = await executeIdempotently(run, options);
    const isRight = end.kind === 'replayed' ? isDeepStrictEqual(end.value, value?.(n)) : end.kind === rightly;
    return isRight ? 'the right answer' : `${end.kind} of order-${n}`;
  } catch (error) {
    if (ran) return `a run of order-${n}`;
    return error instanceof StoreError && error.unreadable ? error.class : String(error);
  }
}
