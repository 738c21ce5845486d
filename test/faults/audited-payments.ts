// Payments that are audited: how often each key ran, what its callers got, and that no call was late.
import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type ExecuteOptions,
  executeIdempotently,
  IdempotencyError,
  type IdempotencyStore,
  type OperationContext,
} from '@onceguard/core';
import { expect, vi } from 'vitest';

/** The log of one key: how often it ran, and what its operation returned. */
export interface PaymentLog {
  runs: number;
  readonly results: Set<string>;
}

/**
 * Fails if the call ends later than 1.1 times its deadline. Start it in the same tick as the call. It waits in tenths
 * of the deadline, so that time during which a busy machine stops this process counts for little.
 */
export async function withinDeadline<T>(deadlineMs: number, call: Promise<T>): Promise<T> {
  let isOver = false;
  const late = async (): Promise<never> => {
    for (let tenth = 1; tenth <= 11 && !isOver; tenth += 1) await pause(deadlineMs / 10);
    throw new Error(`A call took longer than its deadline of ${deadlineMs} ms.`);
  };
  try {
    return await Promise.race([call, late()]);
  } finally {
    isOver = true;
  }
}

/** Payments through one store, none of whose calls may be late. */
export class AuditedPayments {
  constructor(
    readonly store: IdempotencyStore,
    private readonly logs: Map<string, PaymentLog>,
  ) {}

  /**
   * Pays under a key, and describes the outcome: `paid 1, recorded` (1: by the key's first run), `paid 1, not
   * recorded`, `paid 1, replayed`; another kind by its name; an error by its code, or by its message where it has none.
   * After an error of the store the operation did not run, unless `though it ran` follows.
   */
  async pay(
    key: string,
    during: (context: OperationContext) => unknown = () => {},
    options: Partial<ExecuteOptions> = {},
  ): Promise<string> {
    const log = this.logs.get(key) ?? { runs: 0, results: new Set() };
    this.logs.set(key, log);
    const work = new EventEmitter();
    const [begun, over] = [once(work, 'begun'), once(work, 'over')];
    let ran = false;
    const operation = async (context: OperationContext) => {
      const result = `paid ${++log.runs}`;
      ran = true;
      work.emit('begun');
      try {
        await during(context);
        log.results.add(result);
        return result;
      } finally {
        work.emit('over');
      }
    };
    const outcome = describeExecution(
      executeIdempotently(operation, { store: this.store, scope: 'faults', key, ...options }),
    );
    await withinDeadline(this.store.callTimeoutMs, Promise.race([begun, outcome]));
    await Promise.race([over, outcome]);
    const description = await withinDeadline(this.store.callTimeoutMs, outcome);
    return ran && description.startsWith('store_') ? `${description}, though it ran` : description;
  }
}

async function describeExecution(execution: ReturnType<typeof executeIdempotently<string>>): Promise<string> {
  try {
    const end = await execution;
    if (end.kind === 'executed') return `${end.value}, ${end.recorded ? 'recorded' : 'not recorded'}`;
    return end.kind === 'replayed' ? `${end.value}, replayed` : end.kind;
  } catch (error) {
    return error instanceof IdempotencyError ? error.code : String(error);
  }
}

/** Resolves when the payment is made and on record; fails if that takes 20 s. */
export async function untilPaid(payments: AuditedPayments, key: string): Promise<void> {
  const paid = async () => expect(await payments.pay(key)).toMatch(/^paid 1, (recorded|replayed)$/);
  await vi.waitFor(paid, { timeout: 60_000, interval: 10 });
}

/** The same within the shortest possible time: the current connection attempt, the pause after it, and some slack. */
export async function expectPaysAgain(payments: AuditedPayments, key: string, longestPauseMs = 600): Promise<void> {
  const attemptMs = Math.max(1.5 * payments.store.callTimeoutMs, 1_000);
  await withinDeadline(attemptMs + longestPauseMs + 1_000, untilPaid(payments, key));
}
