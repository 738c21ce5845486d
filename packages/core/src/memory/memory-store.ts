// MemoryStore: the protocol and a map. The reference that every other store is compared with.
import cluster from 'node:cluster';
import { StoreError } from '../errors.js';
import { warnOnce } from '../events.js';
import { parseOptions } from '../options.js';
import { acquire } from '../protocol/acquire.js';
import * as args from '../protocol/arguments.js';
import type * as messages from '../protocol/messages.js';
import { checkpoint, complete, release, renew } from '../protocol/owner.js';
import { isLive, type StoredRecord } from '../protocol/record.js';
import { remove, resolve } from '../protocol/resolve.js';
import type { Transition } from '../protocol/transition.js';
import type { IdempotencyStore, ReadAnswer, ScanPage, ScanRequest } from '../store/port.js';
import { copyAnswer, copyBytes, copyIfAny, copyRecord, copyStanding } from './copies.js';
import { type Admission, Ledger } from './ledger.js';
import { type MemoryStoreOptions, memoryStoreSchema } from './options.js';

/** How many records that are over one call clears away: more than it can add. */
const settledPerCall = 16;

/**
 * Keeps the records in this process. They end with it, and no other process sees them: for tests, for development, and
 * for a service that is a single process and may forget. When full it refuses (`unavailable`); it drops nothing that
 * still counts. What has begun can always be recorded as done, at least without its outcome.
 * Throws a `ConfigurationError` for options that cannot be meant.
 */
export class MemoryStore implements IdempotencyStore {
  readonly name = 'memory';
  readonly capabilities = Object.freeze({ shared: false, durable: false });
  readonly timeoutMs: number;
  readonly #clock: () => number;
  #ledger: Ledger | null;

  constructor(options: MemoryStoreOptions = {}) {
    const { clock, storeTimeoutMs, ...limits } = parseOptions('new MemoryStore()', memoryStoreSchema, options);
    this.timeoutMs = storeTimeoutMs;
    this.#clock = clock;
    this.#ledger = new Ledger(limits);
    if (isOneOfSeveral()) warnAboutCluster();
  }

  async acquire(key: string, request: messages.AcquireRequest): Promise<messages.AcquireAnswer> {
    args.checkAcquire(key, request);
    const admission = { scope: request.scope ?? null };
    return copyAnswer(this.#apply(key, (record, now) => acquire(record, request, now), admission));
  }

  async renew(lease: messages.Lease, leaseMs: number): Promise<messages.RenewAnswer> {
    args.checkRenew(lease, leaseMs);
    return this.#apply(lease.key, (record, now) => renew(record, lease, leaseMs, now));
  }

  async checkpoint(lease: messages.Lease, point: messages.Checkpoint): Promise<messages.CheckpointAnswer> {
    args.checkCheckpoint(lease, point);
    const own = { ...point, bytes: copyBytes(point.bytes) };
    return this.#apply(lease.key, (record, now) => checkpoint(record, lease, own, now));
  }

  async complete(lease: messages.Lease, completion: messages.Completion): Promise<messages.CompleteAnswer> {
    args.checkComplete(lease, completion);
    const own = { ...completion, outcome: copyIfAny(completion.outcome) };
    const answer = this.#apply(lease.key, (record, now) => complete(record, lease, own, now));
    return answer.kind === 'lost' ? { ...answer, standing: copyStanding(answer.standing) } : answer;
  }

  async release(holder: messages.Holder, how: messages.Release): Promise<messages.ReleaseAnswer> {
    args.checkRelease(holder, how);
    return this.#apply(holder.key, (record, now) => release(record, holder, how, now));
  }

  async resolve(key: string, request: messages.Resolve): Promise<messages.ResolveAnswer> {
    args.checkResolve(key, request);
    const own = { ...request, outcome: copyIfAny(request.outcome) };
    const answer = this.#apply(key, (record, now) => resolve(record, own, now));
    return answer.kind === 'conflict' ? { ...answer, standing: copyStanding(answer.standing) } : answer;
  }

  async read(key: string): Promise<ReadAnswer> {
    args.checkKey(key);
    const { ledger, now } = this.#begin();
    const record = ledger.get(key);
    return { now, record: isLive(record, now) ? copyRecord(record, now) : null };
  }

  async scan(request: ScanRequest): Promise<ScanPage> {
    args.checkScan(request);
    const { ledger, now } = this.#begin();
    const page = ledger.page(serialOf(request.cursor), request.limit, now);
    const last = page.length < request.limit ? undefined : page.at(-1);
    const records = page.map(({ key, record }) => ({ key, record: copyRecord(record, now) }));
    return { now, records, skipped: 0, cursor: last === undefined ? null : String(last.serial) };
  }

  async remove(key: string): Promise<{ readonly now: number }> {
    args.checkKey(key);
    return this.#apply(key, (record, now) => ({ record: remove(record, now), answer: { now } }));
  }

  async close(): Promise<void> {
    this.#ledger = null;
  }

  /** One atomic step: nothing in it waits. `admission`: this verb lets an attempt begin. */
  #apply<Answer>(
    key: string,
    verb: (record: StoredRecord | null, now: number) => Transition<Answer>,
    admission: Admission | null = null,
  ): Answer {
    const { ledger, now } = this.#begin();
    const before = ledger.get(key);
    const { record, answer } = verb(before, now);
    if (record !== null && record !== before) ledger.put(key, record, now, admission);
    return answer;
  }

  #begin(): { readonly ledger: Ledger; readonly now: number } {
    const ledger = this.#ledger;
    if (ledger === null) {
      throw new StoreError('misconfigured', 'This MemoryStore was closed; close it after everything that uses it.');
    }
    const now = Math.floor(this.#clock());
    ledger.settle(now, settledPerCall);
    return { ledger, now };
  }
}

function serialOf(cursor: string | null): number {
  if (cursor === null) return 0;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new StoreError('bug', `cursor is ${JSON.stringify(cursor.slice(0, 64))}; it must be one that scan answered.`);
}

/** pm2 numbers the copies of a process from 0, also where it does not use `node:cluster`. */
function isOneOfSeveral(): boolean {
  return cluster.isWorker || /^[1-9]\d*$/.test(process.env.NODE_APP_INSTANCE ?? '');
}

function warnAboutCluster(): void {
  warnOnce(
    'memory_store_in_cluster',
    'A MemoryStore was made in one of several processes. Each has its own records, so a retry that reaches another ' +
      'process runs again. Use a store that they share, such as RedisStore.',
  );
}
