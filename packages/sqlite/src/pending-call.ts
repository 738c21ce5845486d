// A call that waits for its transaction, and how it ends.
import { StoreError } from '@onceguard/core';
import { toStoreError } from './sqlite-error.js';

export interface PendingCall {
  readonly verb: string;
  readonly deadlineAt: number;
  /** Reads, decides and writes. It throws before its first write, or the whole transaction is rolled back. */
  readonly run: () => unknown;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export type Outcome = { readonly reply: unknown } | { readonly error: StoreError };

/** What cannot be read concerns one call. Every other error may have come between two writes. */
export function runCall({ run }: PendingCall): Outcome {
  try {
    return { reply: run() };
  } catch (error) {
    if (error instanceof StoreError) return { error };
    throw error;
  }
}

export function settle({ resolve, reject }: PendingCall, outcome: Outcome | undefined): void {
  if (outcome === undefined) return;
  if ('error' in outcome) reject(outcome.error);
  else resolve(outcome.reply);
}

/** Rejects the calls whose deadline is over, and returns the others. */
export function rejectLate(calls: readonly PendingCall[], error: unknown): PendingCall[] {
  const now = performance.now();
  const late = calls.filter(({ deadlineAt }) => now >= deadlineAt);
  rejectAll(late, error);
  return calls.filter((call) => !late.includes(call));
}

export function rejectAll(calls: readonly PendingCall[], error: unknown): void {
  for (const { verb, reject } of calls) reject(toStoreError(verb, error));
}
