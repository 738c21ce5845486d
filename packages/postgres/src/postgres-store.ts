// The store on PostgreSQL: a record is a row, the protocol decides, and every write is one conditional statement.
import { StoreError } from '@onceguard/core';
import { argumentChecks as args, parseOptions, publishFindings, withDeadline } from '@onceguard/core/sql';
import type {
  AcquireReply,
  AcquireRequest,
  Checkpoint,
  CheckpointReply,
  CompleteReply,
  Completion,
  IdempotencyStore,
  Lease,
  LeaseIdentity,
  ReadReply,
  ReleaseReply,
  ReleaseRequest,
  RenewReply,
  ResolveReply,
  ResolveRequest,
  RetryQueueLimits,
  ScanPage,
  ScanRequest,
  TimestampedReply,
  TransactionPort,
} from '@onceguard/core/store';
import { checkPostgres } from './check.js';
import { type PostgresFinding, preparedRefusedFinding } from './findings.js';
import { HotVerbs } from './hot-verbs.js';
import { Housekeeping } from './housekeeping.js';
import { createOutboxStatements } from './outbox/outbox-statements.js';
import { runRelay } from './outbox/relay.js';
import { parseRelayOptions, type RelayHandler, type RelayOptions } from './outbox/relay-options.js';
import { openPool } from './owned-pool.js';
import { toStoreError } from './postgres-error.js';
import {
  type PostgresConnectOptions,
  type PostgresStoreOptions,
  parseConnectOptions,
  postgresStoreSchema,
} from './postgres-store-options.js';
import type { PurgeResult } from './purge-result.js';
import { RareVerbs } from './rare-verbs.js';
import { RecordTable } from './record-table.js';
import { migrateStatement, type TableNames, tableNames } from './schema.js';
import { createSqlClient, type SqlClient } from './sql-client.js';
import { createStatements, createTransactionStatements, type Statements } from './statements.js';
import { PostgresTransactions } from './transactions/postgres-transactions.js';
import { checkSource, type TransactionSource } from './transactions/transaction-source.js';

const migrationTimeoutMs = 60_000;

/**
 * Keeps the records in PostgreSQL 14 or newer. A record is durable when a call returns, as far as `synchronous_commit` of the server says.
 *
 * - Each call is one statement, or few, each a transaction of its own: no session state, so a pooler in transaction mode works.
 * - A first execution takes two round trips, a replay one.
 * - The tables come from `migrate()` or `migrationSql()`. Without them every call fails as `misconfigured`, and nothing runs.
 */
export class PostgresStore implements IdempotencyStore {
  readonly name: string;
  /** The deadline of each call in milliseconds. */
  readonly callTimeoutMs: number;
  readonly retryQueueLimits: RetryQueueLimits | undefined;
  readonly #client: SqlClient;
  readonly #names: TableNames;
  readonly #statements: Statements;
  readonly #hot: HotVerbs;
  readonly #rare: RareVerbs;
  #preparedRefused = false;
  #isClosed = false;
  #release: () => Promise<void> = async () => {};

  /** Makes a store on your own client, which stays yours. Sends nothing. Throws a `ConfigurationError` for invalid options. */
  constructor(options: PostgresStoreOptions) {
    const checked = parseOptions('new PostgresStore()', postgresStoreSchema, options);
    this.name = checked.storeName;
    this.callTimeoutMs = checked.callTimeoutMs;
    this.retryQueueLimits = checked.retryQueueLimits;
    this.#names = tableNames(checked.schema, checked.prefix);
    this.#statements = createStatements(this.#names);
    const { prepare } = checked;
    this.#client = createSqlClient(checked.client, { prepare, onPrepareRefused: this.#onPrepareRefused });
    const table = new RecordTable(this.#client, this.#statements);
    this.#hot = new HotVerbs(table, this.#statements);
    this.#rare = new RareVerbs(table, this.#statements);
  }

  /**
   * Makes a store with a pool of its own, by the package `pg`. `close()` ends the pool. Work that holds every connection of the
   * application's pool while it waits for the store would wait for ever; a pool of its own cannot be used up so.
   *
   * Checks the server, and publishes what is wrong as the event `warning`; it resolves all the same, so that a server that is away
   * keeps no process from starting. Rejects with a `ConfigurationError` for invalid options, or if the package `pg` is not installed.
   *
   * @param options - a URL such as `postgres://user:password@host:5432/database`, or `PostgresConnectOptions`.
   * @example
   * const store = await PostgresStore.connect('postgres://payments@127.0.0.1:5432/shop');
   */
  static async connect(options: string | PostgresConnectOptions): Promise<PostgresStore> {
    const { url, maxConnections, housekeeping, ...storeOptions } = parseConnectOptions(options);
    const pool = await openPool({ url, maxConnections, callTimeoutMs: storeOptions.callTimeoutMs });
    const store = new PostgresStore({ ...storeOptions, client: pool });
    const purge = (max: number) => store.#call('purge', () => store.#rare.purge(max, true));
    const timer = housekeeping ? new Housekeeping(purge) : null;
    store.#release = async () => {
      timer?.stop();
      await pool.end();
    };
    publishFindings('PostgreSQL', await store.check());
    timer?.start();
    return store;
  }

  /**
   * Creates the tables, or brings them to the version that this package needs. Several processes may do so at once. Needs a role that
   * may create tables in the schema. Rejects with a `StoreError`.
   */
  async migrate(): Promise<void> {
    const timeoutMs = migrationTimeoutMs;
    await this.#call('migrate', () => this.#client.rows(migrateStatement(this.#names), [], { timeoutMs }), timeoutMs);
  }

  /**
   * Checks the server, the tables and the rights: errors first, then warnings, then information. A good installation has neither
   * errors nor warnings. Does not reject, and writes nothing.
   */
  async check(): Promise<readonly PostgresFinding[]> {
    return await checkPostgres({
      rows: (text, values) => this.#call('check', () => this.#client.rows(text, values)),
      names: this.#names,
      storeName: this.name,
      isPreparedRefused: () => this.#preparedRefused,
    });
  }

  /**
   * Deletes at most `max` records that have ended, and outcomes that have. A store of `connect` does so by itself; call it from a
   * timer or cron job otherwise, until `deleted + kept` is less than `max`. Default 1 000.
   */
  async purge(max = 1_000): Promise<PurgeResult> {
    args.checkScan({ cursor: null, limit: max });
    return await this.#call('purge', () => this.#rare.purge(max, false));
  }

  /**
   * Transactions of your own library, for the option `transaction`: the effect of the work and its record become one transaction. The
   * first use rejects with a `ConfigurationError`, and runs nothing, if the source is not on the database of the store.
   *
   * @example
   * const transaction = store.transactions(pgTransactions(pool));
   * app.post('/payments', idempotency({ store, scope, transaction }), pay);
   */
  transactions<Tx>(source: TransactionSource<Tx>): TransactionPort<Tx> {
    return new PostgresTransactions({
      store: this,
      source: checkSource(source),
      statements: this.#statements,
      statementsWithin: createTransactionStatements(this.#names),
      outside: this.#client,
      tableName: this.#names.records,
      onPrepareRefused: this.#onPrepareRefused,
    });
  }

  /**
   * Publishes the messages of the outbox, in as many processes as call it: each at least once, those of one ordering key one by one in the
   * order of their commits. One that fails comes again after 1, 2, 4, … 60 seconds, and the later ones of its key wait. Resolves when
   * `signal` has aborted and what was under way is published. Rejects only for invalid options.
   *
   * @example
   * await store.relay(({ id, topic, payload }) => queue.add(topic, JSON.parse(payload.toString()), { jobId: id }), {
   *   transactions: pgTransactions(pool),
   *   signal,
   *   onError: (error, message) => log.error({ error, id: message?.id }),
   * });
   */
  async relay<Tx>(handler: RelayHandler, options: RelayOptions<Tx>): Promise<void> {
    await runRelay(createOutboxStatements(this.#names.outbox), handler, parseRelayOptions(options));
  }

  async acquire(key: string, request: AcquireRequest): Promise<AcquireReply> {
    args.checkAcquire(key, request);
    return await this.#call('acquire', () => this.#hot.acquire(key, request));
  }

  async renew(lease: Lease, leaseMs: number): Promise<RenewReply> {
    args.checkRenew(lease, leaseMs);
    return await this.#call('renew', () => this.#hot.renew(lease, leaseMs));
  }

  async checkpoint(lease: Lease, request: Checkpoint): Promise<CheckpointReply> {
    args.checkCheckpoint(lease, request);
    return await this.#call('checkpoint', () => this.#hot.checkpoint(lease, request));
  }

  async complete(lease: Lease, completion: Completion): Promise<CompleteReply> {
    args.checkComplete(lease, completion);
    return await this.#call('complete', () => this.#hot.complete(lease, completion));
  }

  async release(holder: LeaseIdentity, request: ReleaseRequest): Promise<ReleaseReply> {
    args.checkRelease(holder, request);
    return await this.#call('release', () => this.#rare.release(holder, request));
  }

  async resolve(key: string, request: ResolveRequest): Promise<ResolveReply> {
    args.checkResolve(key, request);
    return await this.#call('resolve', () => this.#rare.resolve(key, request));
  }

  async read(key: string): Promise<ReadReply> {
    args.checkKey(key);
    return await this.#call('read', () => this.#rare.read(key));
  }

  async scan(request: ScanRequest): Promise<ScanPage> {
    args.checkScan(request);
    return await this.#call('scan', () => this.#rare.scan(request));
  }

  /** Also removes a record that cannot be read. */
  async remove(key: string): Promise<TimestampedReply> {
    args.checkKey(key);
    return await this.#call('remove', () => this.#rare.remove(key));
  }

  /** Ends the pool that `connect` opened. A client that was passed in stays open. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#release();
  }

  readonly #onPrepareRefused = (): void => {
    if (!this.#preparedRefused) publishFindings('PostgreSQL', [preparedRefusedFinding(this.name)]);
    this.#preparedRefused = true;
  };

  async #call<T>(what: string, run: () => Promise<T>, timeoutMs = this.callTimeoutMs): Promise<T> {
    if (this.#isClosed) throw new StoreError('misconfigured', closedMessage);
    try {
      return await withDeadline(timeoutMs, () => `PostgreSQL did not ${what} within ${timeoutMs} ms.`, run);
    } catch (error) {
      throw toStoreError(what, error);
    }
  }
}

const closedMessage = 'This PostgresStore was closed; close it after everything that uses it.';
