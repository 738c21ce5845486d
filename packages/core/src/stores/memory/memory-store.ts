// MemoryStore: the protocol and a map. The reference that every other store is compared with.
import cluster from 'node:cluster';
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

/** How many records that are over one call clears away: more than it can add. */
const expiriesPerCall = 16;

/**
 * Keeps the records in this process. They end with it, and no other process sees them: for tests, for development, and
 * for a service that is a single process and may forget. When full it refuses (`unavailable`); it drops nothing that
 * still counts. What has begun can always be recorded as done, at least without its outcome.
 * Throws a `ConfigurationError` for options that cannot be meant.
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

  async checkpoint(lease: messages.Lease, point: messages.Checkpoint): Promise<messages.CheckpointReply> {
    args.checkCheckpoint(lease, point);
    const own = { ...point, bytes: copyBytes(point.bytes) };
    return this.#transition(lease.key, (record, now) => checkpoint(record, lease, own, now));
  }

  async complete(lease: messages.Lease, completion: messages.Completion): Promise<messages.CompleteReply> {
    args.checkComplete(lease, completion);
    const own = { ...completion, outcome: copyBytesOrNull(completion.outcome) };
    const answer = this.#transition(lease.key, (record, now) => complete(record, lease, own, now));
    return answer.kind === 'lost' ? { ...answer, standing: copyStanding(answer.standing) } : answer;
  }

  async release(holder: messages.LeaseIdentity, how: messages.ReleaseRequest): Promise<messages.ReleaseReply> {
    args.checkRelease(holder, how);
    return this.#transition(holder.key, (record, now) => release(record, holder, how, now));
  }

  async resolve(key: string, request: messages.ResolveRequest): Promise<messages.ResolveReply> {
    args.checkResolve(key, request);
    const own = { ...request, outcome: copyBytesOrNull(request.outcome) };
    const answer = this.#transition(key, (record, now) => resolve(record, own, now));
    return answer.kind === 'conflict' ? { ...answer, standing: copyStanding(answer.standing) } : answer;
  }

  async read(key: string): Promise<ReadReply> {
    args.checkKey(key);
    const { ledger, now } = this.#beginCall();
    const record = ledger.get(key);
    return { now, record: isLive(record, now) ? copyRecord(record, now) : null };
  }

  async scan(request: ScanRequest): Promise<ScanPage> {
    args.checkScan(request);
    const { ledger, now } = this.#beginCall();
    const page = ledger.page(parseCursor(request.cursor), request.limit, now);
    const last = page.length < request.limit ? undefined : page.at(-1);
    const records = page.map(({ key, record }) => ({ key, record: copyRecord(record, now) }));
    return { now, records, skipped: 0, cursor: last === undefined ? null : String(last.serial) };
  }

  async remove(key: string): Promise<{ readonly now: number }> {
    args.checkKey(key);
    return this.#transition(key, (record, now) => ({ record: remove(record, now), reply: { now } }));
  }

  async close(): Promise<void> {
    this.#table = null;
  }

  /** One atomic step: nothing in it waits. `admission`: this verb lets an attempt begin. */
  #transition<Answer>(
    key: string,
    verb: (record: StoredRecord | null, now: number) => Transition<Answer>,
    admission: AttemptAdmission | null = null,
  ): Answer {
    const { ledger, now } = this.#beginCall();
    const before = ledger.get(key);
    const { record, reply } = verb(before, now);
    if (record !== null && record !== before) ledger.put(key, record, now, admission);
    return reply;
  }

  #beginCall(): { readonly ledger: RecordTable; readonly now: number } {
    const ledger = this.#table;
    if (ledger === null) {
      throw new StoreError('misconfigured', 'This MemoryStore was closed; close it after everything that uses it.');
    }
    const now = Math.floor(this.#clock());
    ledger.expireDue(now, expiriesPerCall);
    return { ledger, now };
  }
}

function parseCursor(cursor: string | null): number {
  if (cursor === null) return 0;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new StoreError('bug', `cursor is ${JSON.stringify(cursor.slice(0, 64))}; it must be one that scan answered.`);
}

/** pm2 numbers the copies of a process from 0, also where it does not use `node:cluster`. */
function isOneOfSeveralProcesses(): boolean {
  return cluster.isWorker || /^[1-9]\d*$/.test(process.env.NODE_APP_INSTANCE ?? '');
}

function warnAboutCluster(): void {
  warnOnce(
    'memory_store_in_cluster',
    'A MemoryStore was made in one of several processes. Each has its own records, so a retry that reaches another ' +
      'process runs again. Use a store that they share, such as RedisStore.',
  );
}
