// CompareAndSwapStore: reads a row, asks the protocol, and writes if nobody came between.
import { StoreError } from '../../errors.js';
import { parseOptions } from '../../parse-options.js';
import { acquire } from '../../protocol/acquire.js';
import * as args from '../../protocol/argument-checks.js';
import type * as messages from '../../protocol/messages.js';
import { checkpoint, complete, release, renew } from '../../protocol/owner-operations.js';
import type { StoredRecord } from '../../protocol/record.js';
import { remove, resolve } from '../../protocol/resolve.js';
import type { Transition } from '../../protocol/transition.js';
import type { IdempotencyStore, ReadReply, RetryQueueLimits, ScanPage, ScanRequest } from '../../store/port.js';
import { withDeadline } from '../deadline.js';
import { toReadReply, toScanPage, unreadableRecord } from '../record-replies.js';
import { type CompareAndSwapStoreOptions, compareAndSwapSchema } from './compare-and-swap-options.js';
import { type PurgeResult, purgeTable } from './purge-table.js';
import { decodeRow, decodeRowOr, noLimit, TableClient } from './table-client.js';

/** A call that loses so often has met no other callers: the table reports no success. */
const maxRounds = 100;

/**
 * Keeps records in a database of your own: you write five small functions over a table whose rows have a version, and this class makes
 * the whole protocol of them. `docs/own-store.md` shows how.
 *
 * - A call reads the row, decides, and writes if the row is as it was; otherwise it begins again, at most 100 times. A replay takes
 *   one round trip, a first execution four.
 * - A record is one value with its steps and its outcome, so each step writes the earlier ones again. Work with hundreds of steps belongs
 *   on another store.
 * - Callers that wait in other processes poll.
 * - Nothing is deleted by itself: call `purge`.
 *
 * Throws a `ConfigurationError` for invalid options. `storeSuite` of `@onceguard/testing` tests your functions.
 *
 * @example
 * const store = new CompareAndSwapStore({ table, storeName: 'mysql' });
 */
export class CompareAndSwapStore implements IdempotencyStore {
  readonly name: string;
  /** The deadline of each call in milliseconds. */
  readonly callTimeoutMs: number;
  readonly retryQueueLimits: RetryQueueLimits | undefined;
  readonly #table: TableClient;
  #isClosed = false;

  constructor(options: CompareAndSwapStoreOptions) {
    const checked = parseOptions('new CompareAndSwapStore()', compareAndSwapSchema, options);
    this.name = checked.storeName;
    this.callTimeoutMs = checked.callTimeoutMs;
    this.retryQueueLimits = checked.retryQueueLimits;
    this.#table = new TableClient(checked.table, checked.toStoreError);
  }

  async acquire(key: string, request: messages.AcquireRequest): Promise<messages.AcquireReply> {
    args.checkAcquire(key, request);
    return await this.#transition('acquire', key, {
      apply: (record, now) => acquire(record, request, now),
      writeBefore: () => request.notAfter + 1,
    });
  }

  async renew(lease: messages.Lease, leaseMs: number): Promise<messages.RenewReply> {
    args.checkRenew(lease, leaseMs);
    return await this.#transition<messages.RenewReply>('renew', lease.key, {
      apply: (record, now) => renew(record, lease, leaseMs, now),
      writeBefore: ({ kind }) => (kind === 'restored' ? lease.leaseEndAt : noLimit),
    });
  }

  async checkpoint(lease: messages.Lease, request: messages.Checkpoint): Promise<messages.CheckpointReply> {
    args.checkCheckpoint(lease, request);
    const copy = { ...request, bytes: copyBytes(request.bytes) };
    return await this.#transition('checkpoint', lease.key, {
      apply: (record, now) => checkpoint(record, lease, copy, now),
    });
  }

  async complete(lease: messages.Lease, completion: messages.Completion): Promise<messages.CompleteReply> {
    args.checkComplete(lease, completion);
    const copy = { ...completion, outcome: completion.outcome && copyBytes(completion.outcome) };
    return await this.#transition<messages.CompleteReply>('complete', lease.key, {
      apply: (record, now) => complete(record, lease, copy, now),
      writeBefore: ({ kind }) => (kind === 'restored' ? completion.notAfter : noLimit),
    });
  }

  async release(holder: messages.LeaseIdentity, request: messages.ReleaseRequest): Promise<messages.ReleaseReply> {
    args.checkRelease(holder, request);
    return await this.#transition('release', holder.key, {
      apply: (record, now) => release(record, holder, request, now),
    });
  }

  async resolve(key: string, request: messages.ResolveRequest): Promise<messages.ResolveReply> {
    args.checkResolve(key, request);
    const copy = { ...request, outcome: request.outcome && copyBytes(request.outcome) };
    return await this.#transition('resolve', key, { apply: (record, now) => resolve(record, copy, now) });
  }

  async read(key: string): Promise<ReadReply> {
    args.checkKey(key);
    return await this.#call('read', async () => {
      const { now, row } = await this.#table.read(key);
      return toReadReply(decodeRow(row), now);
    });
  }

  async scan(request: ScanRequest): Promise<ScanPage> {
    args.checkScan(request);
    const filter = request.inDoubt === true ? 'mayBeInDoubt' : 'none';
    return await this.#call('scan', async () => {
      const { now, rows } = await this.#table.list({ filter, after: request.cursor ?? '', limit: request.limit });
      return toScanPage(
        rows.map((row) => ({ key: row.key, record: decodeRowOr(row, null) })),
        request,
        now,
      );
    });
  }

  /** Also removes a record that cannot be read. */
  async remove(key: string): Promise<messages.TimestampedReply> {
    args.checkKey(key);
    return await this.#transition('remove', key, {
      apply: (record, now) => ({ record: remove(record, now), reply: { now } }),
      // Its fencing token is not known; the clock is higher than what was issued by it.
      unreadable: (now) => unreadableRecord(now, now),
    });
  }

  /**
   * Deletes at most `max` records that have ended, and outcomes that have. Call it from a timer or cron job, in one process or in
   * several, until `deleted + kept` is less than `max`. Default 1 000. Leaves out what cannot be read. Rejects with a `StoreError`.
   *
   * @example
   * setInterval(() => store.purge().catch(report), 60_000).unref();
   */
  async purge(max = 1_000): Promise<PurgeResult> {
    args.checkScan({ cursor: null, limit: max });
    return await purgeTable(this.#table, max, (run) => this.#call('purge', run));
  }

  /** Closes the table, if it has a function for that. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#table.close();
  }

  #transition<Reply>(verb: string, key: string, { apply, writeBefore, unreadable }: Verb<Reply>): Promise<Reply> {
    return this.#call(verb, async (isOver) => {
      for (let round = 0; round < maxRounds; round += 1) {
        // Some drivers send a write again by themselves, and then report that the row was not as expected.
        const { now, row } = await this.#table.read(key, round === 0 ? 'unavailable' : 'unknown');
        const before = unreadable === undefined ? decodeRow(row) : decodeRowOr(row, unreadable(now));
        const { record, reply } = apply(before, now);
        if (record === null || record === before) return reply;
        // The caller got an error already, and may have sent the call again.
        if (isOver()) throw new StoreError('unknown', `The deadline of ${verb} is over.`);
        if (await this.#table.write(key, row, record, writeBefore?.(reply) ?? noLimit)) return reply;
      }
      throw contentionError();
    });
  }

  async #call<T>(what: string, run: (isOver: () => boolean) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StoreError('misconfigured', closedMessage);
    const timeoutMessage = () => `The store ${this.name} did not ${what} within ${this.callTimeoutMs} ms.`;
    let isOver = false;
    try {
      return await withDeadline(this.callTimeoutMs, timeoutMessage, () => run(() => isOver));
    } finally {
      isOver = true;
    }
  }
}

interface Verb<Reply> {
  readonly apply: (record: StoredRecord | null, now: number) => Transition<Reply>;
  /** Until when the reply is true of what is written, because the protocol decided by the clock of the read. */
  readonly writeBefore?: (reply: Reply) => number;
  /** Stands for a record that cannot be read. Left out: the call fails. */
  readonly unreadable?: (now: number) => StoredRecord;
}

const closedMessage = 'This CompareAndSwapStore was closed; close it after everything that uses it.';

function contentionError(): StoreError {
  const cause = 'Other callers did, or insert() and update() of the table return false although they wrote';
  return new StoreError('unknown', `The record changed ${maxRounds} times in a row before it was written. ${cause}.`);
}

/** The caller may change its bytes while the call is under way. */
function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
