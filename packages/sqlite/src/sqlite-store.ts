// The store on SQLite: a transaction reads a record, asks the protocol, and writes.
import { ConfigurationError, StoreError } from '@onceguard/core';
import { argumentChecks as args, parseOptions, toReadReply, toScanPage, unreadableRecord } from '@onceguard/core/sql';
import {
  type AcquireReply,
  type AcquireRequest,
  type Checkpoint,
  type CheckpointReply,
  type CompleteReply,
  type Completion,
  type IdempotencyStore,
  type Lease,
  type LeaseIdentity,
  idempotencyProtocol as protocol,
  type ReadReply,
  type ReleaseReply,
  type ReleaseRequest,
  type RenewReply,
  type ResolveReply,
  type ResolveRequest,
  type RetryQueueLimits,
  type ScanPage,
  type ScanRequest,
  type StoredRecord,
  type TimestampedReply,
  type TransactionPort,
  type Transition,
} from '@onceguard/core/store';
import { checkSqlite } from './check.js';
import type { SqliteFinding } from './findings.js';
import { assertPrepared, prepareTable } from './prepare-table.js';
import type { RecordTable } from './record-table.js';
import { assertFileExists, openDatabase, type SqliteDatabase } from './sqlite-database.js';
import { toStoreError } from './sqlite-error.js';
import {
  parseOpenOptions,
  type SqliteOpenOptions,
  type SqliteStoreOptions,
  sqliteStoreSchema,
} from './sqlite-store-options.js';
import { SqliteTransactions } from './sqlite-transactions.js';
import { TransactionQueue } from './transaction-queue.js';

/** How many due records one transaction deletes. It is more than most transactions add, so no backlog grows. */
const deletionsPerTransaction = 16;

/**
 * Keeps the records in a file of SQLite: for one machine, with one process or several. Records survive the end of a process, and with
 * `synchronous: 'full'` a power cut.
 *
 * - The calls of one tick share one transaction, and one wait for the disk. Meanwhile the event loop stands still: with a fast disk for less than
 *   a millisecond.
 * - The file must be on a local disk: the locks of SQLite do not work on network file systems.
 * - Two machines need a store that they share, such as `RedisStore`.
 */
export class SqliteStore implements IdempotencyStore {
  readonly name: string;
  /** The deadline of each call in milliseconds. */
  readonly callTimeoutMs: number;
  readonly retryQueueLimits: RetryQueueLimits | undefined;
  readonly #database: SqliteDatabase;
  readonly #clock: () => number;
  readonly #table: RecordTable;
  readonly #queue: TransactionQueue;
  #closeDatabase: () => void = () => {};
  #isClosed = false;

  /**
   * Makes a store on your own connection, and creates its two tables where they are missing. Throws a `ConfigurationError` for invalid
   * options, and a `StoreError` where SQLite refuses.
   */
  constructor(options: SqliteStoreOptions) {
    const checked = parseOptions('new SqliteStore()', sqliteStoreSchema, options);
    const { database, synchronous, callTimeoutMs, clock, storeName, retryQueueLimits } = checked;
    this.name = storeName;
    this.callTimeoutMs = callTimeoutMs;
    this.retryQueueLimits = retryQueueLimits;
    this.#database = database;
    this.#clock = clock;
    this.#table = prepareTable(database, synchronous, callTimeoutMs);
    this.#queue = new TransactionQueue(database, callTimeoutMs, () =>
      this.#table.deleteDue(this.#now(), deletionsPerTransaction),
    );
  }

  /**
   * Opens or creates the file at `path` by `node:sqlite` (Node 22.13 and later), else by the package libsql. `close()` closes it.
   * Rejects as the constructor throws, and with `create: false` with a `StoreError` where there is no file with the tables of a store.
   *
   * @example
   * const store = await SqliteStore.open('onceguard.db');
   */
  static async open(path: string, options: SqliteOpenOptions = {}): Promise<SqliteStore> {
    const { create, ...storeOptions } = parseOpenOptions(options);
    if (!create) assertFileExists(path);
    const database = await openDatabase(path).catch((error: unknown) => {
      throw error instanceof ConfigurationError ? error : toStoreError(`open ${path}`, error);
    });
    try {
      if (!create) assertPrepared(database);
      const store = new SqliteStore({ ...storeOptions, database });
      store.#closeDatabase = () => void database.close();
      return store;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /**
   * Checks the file, its disk and the lock: errors first, then warnings. A good installation has none. Does not reject, and writes
   * nothing. `wholeFile`: also looks for damage, default false. That reads the whole file, and the event loop stands still meanwhile.
   */
  async check({ wholeFile = false }: { wholeFile?: boolean } = {}): Promise<readonly SqliteFinding[]> {
    const options = { storeName: this.name, lockTimeoutMs: this.callTimeoutMs, wholeFile };
    return await this.#queue.hold(() => checkSqlite(this.#database, options));
  }

  async acquire(key: string, request: AcquireRequest): Promise<AcquireReply> {
    args.checkAcquire(key, request);
    return await this.#transition('acquire', key, (record, now) => protocol.acquire(record, request, now));
  }

  async renew(lease: Lease, leaseMs: number): Promise<RenewReply> {
    args.checkRenew(lease, leaseMs);
    return await this.#transition('renew', lease.key, (record, now) => protocol.renew(record, lease, leaseMs, now));
  }

  async checkpoint(lease: Lease, request: Checkpoint): Promise<CheckpointReply> {
    args.checkCheckpoint(lease, request);
    const copy = { ...request, bytes: copyBytes(request.bytes) };
    return await this.#transition('checkpoint', lease.key, (record, now) =>
      protocol.checkpoint(record, lease, copy, now),
    );
  }

  async complete(lease: Lease, completion: Completion): Promise<CompleteReply> {
    args.checkComplete(lease, completion);
    const copy = { ...completion, outcome: completion.outcome && copyBytes(completion.outcome) };
    return await this.#transition('complete', lease.key, (record, now) => protocol.complete(record, lease, copy, now));
  }

  async release(holder: LeaseIdentity, request: ReleaseRequest): Promise<ReleaseReply> {
    args.checkRelease(holder, request);
    return await this.#transition('release', holder.key, (record, now) =>
      protocol.release(record, holder, request, now),
    );
  }

  async resolve(key: string, request: ResolveRequest): Promise<ResolveReply> {
    args.checkResolve(key, request);
    const copy = { ...request, outcome: request.outcome && copyBytes(request.outcome) };
    return await this.#transition('resolve', key, (record, now) => protocol.resolve(record, copy, now));
  }

  async read(key: string): Promise<ReadReply> {
    args.checkKey(key);
    return await this.#queue.read('read', () => {
      const now = this.#now();
      return toReadReply(this.#table.get(key), now);
    });
  }

  async scan(request: ScanRequest): Promise<ScanPage> {
    args.checkScan(request);
    return await this.#queue.read('scan', () => {
      const now = this.#now();
      const of = request.inDoubt === true ? 'may be in doubt' : 'all';
      return toScanPage(this.#table.page(of, request.cursor ?? '', request.limit), request, now);
    });
  }

  /** Also removes a record that cannot be read. */
  async remove(key: string): Promise<TimestampedReply> {
    args.checkKey(key);
    return await this.#queue.call('remove', () => {
      const now = this.#now();
      // Its fencing token is not known.
      const before = this.#getOrElse(key, () => unreadableRecord(now, now));
      const next = protocol.remove(before, now);
      if (next !== null && next !== before) {
        this.#table.delete(key);
        this.#table.put(key, null, next);
      }
      return { now };
    });
  }

  /**
   * Transactions for the option `transaction`: the operation gets the connection of the store, and its effect and its record are committed
   * together. Keep them short and without calls to others: while one is open, nobody else writes to the file.
   *
   * @example
   * const transaction = store.transactions();
   * const pay = makeIdempotent(async (order: { id: string }, context) => {
   *   transaction.of(context).prepare('INSERT INTO payments (id) VALUES (?)').run(order.id);
   * }, { store, scope: 'orders', key: (order) => order.id, transaction });
   */
  transactions(): TransactionPort<SqliteDatabase> {
    const [database, table, queue] = [this.#database, this.#table, this.#queue];
    return new SqliteTransactions({ store: this, database, table, queue, now: () => this.#now() });
  }

  /** Closes the file that `open` opened. A connection that was passed in stays open. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#queue.close(closedMessage);
    this.#closeDatabase();
  }

  #transition<Reply>(
    verb: string,
    key: string,
    apply: (record: StoredRecord | null, now: number) => Transition<Reply>,
  ): Promise<Reply> {
    return this.#queue.call(verb, () => {
      const before = this.#table.get(key);
      const { record, reply } = apply(before, this.#now());
      if (record !== null && record !== before) this.#table.put(key, before, record);
      return reply;
    });
  }

  #getOrElse(key: string, onUnreadable: () => StoredRecord): StoredRecord | null {
    try {
      return this.#table.get(key);
    } catch (error) {
      if (error instanceof StoreError && error.unreadable) return onUnreadable();
      throw error;
    }
  }

  #now(): number {
    return Math.floor(this.#clock());
  }
}

const closedMessage = 'This SqliteStore was closed; close it after everything that uses it.';

/** The caller may change its bytes while the call waits for its transaction. */
function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
