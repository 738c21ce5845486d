// MemoryStore: the protocol applied to a Map. Tests compare every other store with it.
import type { Cluster } from 'node:cluster';
import { StoreError } from '../../errors.js';
import { warnOnce } from '../../events.js';
import { parseOptions } from '../../parse-options.js';
import { acquire } from '../../protocol/acquire.js';
import * as args from '../../protocol/argument-checks.js';
import type * as messages from '../../protocol/messages.js';
import { checkpoint, complete, release, renew } from '../../protocol/owner-operations.js';
import { isLive, type StoredRecord } from '../../protocol/record.js';
import { remove, resolve } from '../../protocol/resolve.js';
import type { Transition } from '../../protocol/transition.js';
import type { IdempotencyStore, ReadReply, RetryQueueLimits, ScanPage, ScanRequest } from '../../store/port.js';
import { copyAcquireReply, copyBytes, copyBytesOrNull, copyRecord, copyStanding } from './defensive-copies.js';
import { type MemoryStoreOptions, memoryStoreSchema } from './memory-store-options.js';
import { type AttemptAdmission, RecordTable } from './record-table.js';

/** How many due records one call expires. It is more than a call can add, so no backlog grows. */
const expiriesPerCall = 16;

/**
 * Keeps the records in the memory of this process. They are lost when the process ends, and no other process sees them. Use it for
 * tests, for development, and for a service of a single process that may lose its records.
 *
 * A full store rejects calls as `unavailable`, and never drops a live record. Work that has begun can always be completed, at least
 * without its outcome. Throws a `ConfigurationError` for invalid options.
 */
export class MemoryStore implements IdempotencyStore {
  readonly name: string;
  readonly callTimeoutMs: number;
  readonly retryQueueLimits: RetryQueueLimits | undefined;
  readonly #clock: () => number;
  #table: RecordTable | null;

  constructor(options: MemoryStoreOptions = {}) {
    const { clock, storeName, callTimeoutMs, retryQueueLimits, ...limits } = parseOptions(
      'new MemoryStore()',
      memoryStoreSchema,
      options,
    );
    this.name = storeName;
    this.retryQueueLimits = retryQueueLimits;
    this.callTimeoutMs = callTimeoutMs;
    this.#clock = clock;
    this.#table = new RecordTable(limits);
    if (isOneOfSeveralProcesses()) warnAboutCluster();
  }

  async acquire(key: string, request: messages.AcquireRequest): Promise<messages.AcquireReply> {
    args.checkAcquire(key, request);
    const admission = { scope: request.scope ?? null };
    return copyAcquireReply(this.#transition(key, (record, now) => acquire(record, request, now), admission));
  }

  async renew(lease: messages.Lease, leaseMs: number): Promise<messages.RenewReply> {
    args.checkRenew(lease, leaseMs);
    return this.#transition(lease.key, (record, now) => renew(record, lease, leaseMs, now));
  }

  async checkpoint(lease: messages.Lease, request: messages.Checkpoint): Promise<messages.CheckpointReply> {
    args.checkCheckpoint(lease, request);
    const copy = { ...request, bytes: copyBytes(request.bytes) };
    return this.#transition(lease.key, (record, now) => checkpoint(record, lease, copy, now));
  }

  async complete(lease: messages.Lease, completion: messages.Completion): Promise<messages.CompleteReply> {
    args.checkComplete(lease, completion);
    const copy = { ...completion, outcome: copyBytesOrNull(completion.outcome) };
    const reply = this.#transition(lease.key, (record, now) => complete(record, lease, copy, now));
    return reply.kind === 'lost' ? { ...reply, standing: copyStanding(reply.standing) } : reply;
  }

  async release(holder: messages.LeaseIdentity, request: messages.ReleaseRequest): Promise<messages.ReleaseReply> {
    args.checkRelease(holder, request);
    return this.#transition(holder.key, (record, now) => release(record, holder, request, now));
  }

  async resolve(key: string, request: messages.ResolveRequest): Promise<messages.ResolveReply> {
    args.checkResolve(key, request);
    const copy = { ...request, outcome: copyBytesOrNull(request.outcome) };
    const reply = this.#transition(key, (record, now) => resolve(record, copy, now));
    return reply.kind === 'conflict' ? { ...reply, standing: copyStanding(reply.standing) } : reply;
  }

  async read(key: string): Promise<ReadReply> {
    args.checkKey(key);
    const { table, now } = this.#beginCall();
    const record = table.get(key);
    return { now, record: isLive(record, now) ? copyRecord(record, now) : null };
  }

  async scan(request: ScanRequest): Promise<ScanPage> {
    args.checkScan(request);
    const { table, now } = this.#beginCall();
    const serial = parseCursor(request.cursor);
    const page =
      request.inDoubt === true
        ? table.pageOfDoubts(serial, request.limit, now)
        : table.page(serial, request.limit, now);
    const last = page.length < request.limit ? undefined : page.at(-1);
    const records = page.map(({ key, record }) => ({ key, record: copyRecord(record, now) }));
    return { now, records, skipped: 0, cursor: last === undefined ? null : String(last.serial) };
  }

  async remove(key: string): Promise<messages.TimestampedReply> {
    args.checkKey(key);
    return this.#transition(key, (record, now) => ({ record: remove(record, now), reply: { now } }));
  }

  async close(): Promise<void> {
    this.#table = null;
  }

  /** Applies an operation in one atomic step, because nothing in it awaits. `admission` is set if the operation may start an attempt. */
  #transition<Reply>(
    key: string,
    apply: (record: StoredRecord | null, now: number) => Transition<Reply>,
    admission: AttemptAdmission | null = null,
  ): Reply {
    const { table, now } = this.#beginCall();
    const before = table.get(key);
    const { record, reply } = apply(before, now);
    if (record !== null && record !== before) table.put(key, record, now, admission);
    return reply;
  }

  #beginCall(): { readonly table: RecordTable; readonly now: number } {
    const table = this.#table;
    if (table === null) {
      throw new StoreError('misconfigured', 'This MemoryStore was closed; close it after everything that uses it.');
    }
    const now = Math.floor(this.#clock());
    table.expireDue(now, expiriesPerCall);
    return { table, now };
  }
}

function parseCursor(cursor: string | null): number {
  if (cursor === null) return 0;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new StoreError('bug', `cursor is ${JSON.stringify(cursor.slice(0, 64))}; it must be one that scan returned.`);
}

/** pm2 numbers the instances of a process from 0 in NODE_APP_INSTANCE, even if it does not use `node:cluster`. */
function isOneOfSeveralProcesses(): boolean {
  // Not imported: platforms that have no processes lack the module.
  const cluster = process.getBuiltinModule?.('node:cluster') as unknown as Cluster | undefined;
  return cluster?.isWorker === true || /^[1-9]\d*$/.test(process.env.NODE_APP_INSTANCE ?? '');
}

function warnAboutCluster(): void {
  warnOnce(
    'memory_store_in_cluster',
    'A MemoryStore was made in one of several processes. Each has its own records, so a retry that reaches another ' +
      'process runs again. Use a store that they share, such as RedisStore.',
  );
}
