// The turns of one connection: the calls of one tick share a transaction and its wait for the disk; what takes longer has it alone.
import { setTimeout as pause } from 'node:timers/promises';
import { StoreError } from '@onceguard/core';
import { type Outcome, type PendingCall, rejectAll, rejectLate, runCall, settle } from './pending-call.js';
import type { SqliteDatabase } from './sqlite-database.js';
import { commitError, isLockedOut, toStoreError } from './sqlite-error.js';

/** A lock is held for as long as a transaction of another process takes. */
const lockRetryMs = 3;

export class TransactionQueue {
  readonly #database: SqliteDatabase;
  readonly #callTimeoutMs: number;
  /** Runs at the end of each transaction. */
  readonly #beforeCommit: () => void;
  #pending: PendingCall[] = [];
  #waitingReads: (() => void)[] = [];
  #isScheduled = false;
  /** Calls and reads wait: somebody has the connection alone. */
  #isHeld = false;
  #lastHolder: Promise<void> = Promise.resolve();
  #closedReason: string | null = null;

  constructor(database: SqliteDatabase, callTimeoutMs: number, beforeCommit: () => void) {
    this.#database = database;
    this.#callTimeoutMs = callTimeoutMs;
    this.#beforeCommit = beforeCommit;
  }

  /**
   * Resolves with what `run` returns once it is on disk. Rejects with a `StoreError` where another process holds the lock until the
   * deadline, or where SQLite fails.
   */
  call<Reply>(verb: string, run: () => Reply): Promise<Reply> {
    if (this.#closedReason !== null) return Promise.reject(new StoreError('misconfigured', this.#closedReason));
    return new Promise<Reply>((resolve, reject) => {
      const deadlineAt = performance.now() + this.#callTimeoutMs;
      this.#pending.push({ verb, deadlineAt, run, resolve: resolve as (reply: unknown) => void, reject });
      this.#schedule(0);
    });
  }

  /**
   * Resolves with what `run` returns, which sees one state of the file. It takes no lock that others would wait for. It waits for the next
   * iteration of the event loop, so that a caller that reads again and again holds up nobody.
   */
  read<T>(verb: string, run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const turn = () => {
        try {
          if (this.#closedReason !== null) throw new StoreError('misconfigured', this.#closedReason);
          this.#database.exec('BEGIN');
          try {
            resolve(run());
          } finally {
            this.#database.exec('COMMIT');
          }
        } catch (error) {
          reject(toStoreError(verb, error));
        }
      };
      setImmediate(() => (this.#isHeld ? this.#waitingReads.push(turn) : turn()));
    });
  }

  /** Gives `work` the connection alone, in the order of these calls. Calls and reads wait until it has settled. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    const previous = this.#lastHolder;
    let release = () => {};
    this.#lastHolder = new Promise((resolve) => {
      release = resolve;
    });
    await previous;
    this.#isHeld = true;
    try {
      return await work();
    } finally {
      this.#isHeld = false;
      // Before the next holder, so that many of them do not keep calls waiting.
      this.#runWaiting();
      release();
    }
  }

  /**
   * Runs `work` in a transaction that stays open until it settles, and commits it if it has resolved. Nobody else writes meanwhile. Rejects
   * with a `StoreError` where the lock is held until the deadline of a call, and with what `work` or COMMIT fails with.
   */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    const deadlineAt = performance.now() + this.#callTimeoutMs;
    return await this.hold(async () => {
      await this.#begin(deadlineAt);
      try {
        const result = await work();
        this.#beforeCommit();
        this.#database.exec('COMMIT');
        return result;
      } catch (error) {
        this.#rollBack();
        throw error;
      }
    });
  }

  /**
   * Reads at once. `isAlone`: nobody else, in any process, is in the middle of a transaction. Null: somebody has this connection alone, and
   * what is on it is not committed.
   */
  lookNow<T>(verb: string, read: () => T): { readonly found: T; readonly isAlone: boolean } | null {
    if (this.#isHeld) return null;
    if (this.#closedReason !== null) throw new StoreError('misconfigured', this.#closedReason);
    try {
      const isAlone = this.#tryLock();
      if (!isAlone) this.#database.exec('BEGIN');
      try {
        return { found: read(), isAlone };
      } finally {
        this.#database.exec('COMMIT');
      }
    } catch (error) {
      throw toStoreError(verb, error);
    }
  }

  /** Later calls are rejected with this reason. Calls that wait run first, unless the lock is held. */
  close(reason: string): void {
    if (this.#closedReason !== null) return;
    if (this.#pending.length > 0) this.#runPending();
    this.#closedReason = reason;
    for (const { reject } of this.#pending.splice(0)) reject(new StoreError('unavailable', reason));
  }

  #schedule(delayMs: number): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const run = (): void => {
      this.#isScheduled = false;
      this.#runPending();
    };
    if (delayMs === 0) setImmediate(run);
    else setTimeout(run, delayMs);
  }

  async #begin(deadlineAt: number): Promise<void> {
    for (;;) {
      if (this.#closedReason !== null) throw new StoreError('misconfigured', this.#closedReason);
      if (performance.now() >= deadlineAt) throw heldError();
      if (this.#tryLock()) return;
      await pause(lockRetryMs);
    }
  }

  #tryLock(): boolean {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      return true;
    } catch (error) {
      if (isLockedOut(error)) return false;
      throw toStoreError('begin a transaction', error);
    }
  }

  #runWaiting(): void {
    this.#pending = rejectLate(this.#pending, heldError());
    this.#runPending();
    for (const read of this.#waitingReads.splice(0)) read();
  }

  #runPending(): void {
    if (this.#isHeld) return;
    const calls = this.#pending.splice(0);
    if (calls.length === 0) return;
    try {
      this.#database.exec('BEGIN IMMEDIATE');
    } catch (error) {
      if (isLockedOut(error)) this.#waitForLock(calls, error);
      else rejectAll(calls, error);
      return;
    }
    const outcomes = this.#runCalls(calls);
    if (outcomes === null) return;
    try {
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#rollBack();
      for (const { verb, reject } of calls) reject(commitError(verb, error));
      return;
    }
    for (const [at, call] of calls.entries()) settle(call, outcomes[at]);
  }

  /** Null: a write failed. The transaction was rolled back, and every call was rejected. */
  #runCalls(calls: readonly PendingCall[]): Outcome[] | null {
    try {
      const outcomes = calls.map(runCall);
      this.#beforeCommit();
      return outcomes;
    } catch (error) {
      this.#rollBack();
      rejectAll(calls, error);
      return null;
    }
  }

  #waitForLock(calls: readonly PendingCall[], error: unknown): void {
    this.#pending.unshift(...rejectLate(calls, error));
    if (this.#pending.length > 0) this.#schedule(lockRetryMs);
  }

  #rollBack(): void {
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back already: for a full disk, or an input or output error.
    }
  }
}

function heldError(): StoreError {
  return new StoreError('unavailable', 'Another transaction held the file until the deadline; nothing was written.');
}
