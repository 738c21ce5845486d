// The store on Redis: every verb of the protocol is one Lua script on a record.
import { parseOptions } from '../../parse-options.js';
import { checkScan } from '../../protocol/argument-checks.js';
import { isInDoubt } from '../../protocol/doubt.js';
import type {
  AcquireReply,
  AcquireRequest,
  Checkpoint,
  CheckpointReply,
  CompleteReply,
  Completion,
  Lease,
  LeaseIdentity,
  ReleaseReply,
  ReleaseRequest,
  RenewReply,
  ResolveReply,
  ResolveRequest,
} from '../../protocol/messages.js';
import type { IdempotencyStore, ReadReply, RetryQueueLimits, ScanPage, ScanRequest } from '../../store/port.js';
import { publishFindings } from '../publish-findings.js';
import { CommandExecutor } from './connection/command-executor.js';
import { CompletionSubscriber } from './connection/completion-subscriber.js';
import type { ConnectOptions } from './connection/connect-options.js';
import { closeConnection, connectAndWait, prepareConnection } from './connection/owned-connection.js';
import type { RedisClient } from './connection/redis-client.js';
import { type RedisStoreOptions, redisStoreOptionsSchema } from './connection/redis-store-options.js';
import { scanIndex } from './connection/scan-index.js';
import { scanKeys } from './connection/scan-keys.js';
import { checkClientOptions } from './diagnostics/check/check-client-options.js';
import { type CheckOptions, checkRedis, type Finding } from './diagnostics/check/check-redis.js';
import { ClientMonitor } from './diagnostics/client-monitor.js';
import type { RedisHealth } from './diagnostics/health.js';
import { readPage } from './read-page.js';
import type { CommandArgument } from './wire/command-argument.js';
import { decodeReadReply } from './wire/decode-record.js';
import {
  decodeAcquireReply,
  decodeCheckpointOrReleaseReply,
  decodeCompleteReply,
  decodeRenewReply,
  decodeResolveReply,
} from './wire/decode-replies.js';
import {
  encodeAcquireArguments,
  encodeCheckpointArguments,
  encodeCompleteArguments,
  encodeNothing,
  encodeReleaseArguments,
  encodeRenewArguments,
  encodeResolveArguments,
} from './wire/encode-arguments.js';
import type { ReplyReader } from './wire/reply-reader.js';
import { scripts, type Verb } from './wire/scripts/index.js';
import { completionChannel, recordKeys } from './wire/scripts/record-layout.js';

/**
 * Keeps records in Redis ≥ 6.0 or Valkey: standalone, behind Sentinel, or in a cluster.
 *
 * - Each verb is one EVALSHA, sent once; the caller repeats it with the same owner token. Calls of the same tick share one
 *   write to the socket, except calls with large arguments and calls to a cluster.
 * - No call takes longer than `callTimeoutMs`, whatever the client does.
 * - A client that you pass in stays yours: the store never closes or changes it. Keep it open as long as the store is used.
 * - The store loses what Redis loses (failover, eviction, a restart without AOF). `docs/redis.md` lists the safe settings.
 *
 * @example
 * const store = await RedisStore.connect('redis://:password@redis.internal:6379/0');
 */
export class RedisStore implements IdempotencyStore {
  readonly name: string;
  /** The deadline of each call in milliseconds. */
  readonly callTimeoutMs: number;
  readonly retryQueueLimits: RetryQueueLimits | undefined;
  readonly #prefix: string;
  readonly #checkOptions: CheckOptions;
  readonly #client: RedisClient;
  readonly #monitor: ClientMonitor;
  readonly #executor: CommandExecutor;
  readonly #stopMonitoring: () => void;
  /** Only a store that `connect` made has one. */
  #completions: CompletionSubscriber | null = null;
  #disconnect: () => Promise<void> = async () => {};

  /**
   * Makes a store on your own ioredis client, and warns once about client options that are not safe. Throws a
   * `ConfigurationError` for invalid options.
   */
  constructor(options: RedisStoreOptions) {
    const checked = parseOptions('new RedisStore()', redisStoreOptionsSchema, options);
    const { client, prefix, callTimeoutMs, durability, storeName, retryQueueLimits } = checked;
    publishFindings('Redis', checkClientOptions(client));
    this.name = storeName;
    this.retryQueueLimits = retryQueueLimits;
    this.callTimeoutMs = callTimeoutMs;
    this.#prefix = prefix;
    this.#client = client;
    this.#checkOptions = { prefix, callTimeoutMs, durability };
    this.#monitor = ClientMonitor.forClient(client);
    this.#executor = new CommandExecutor(client, { callTimeoutMs, durability: durability ?? null }, this.#monitor);
    this.#stopMonitoring = this.#monitor.addStore(storeName, async () => {
      const findings = await this.check();
      // Once the store or its client is closed, the findings would only say that Redis cannot be reached.
      if (this.#executor.closure === null) publishFindings('Redis', findings);
    });
  }

  /**
   * Makes a store with a connection of its own to one server, through Sentinels, or to a cluster, with client options that
   * work under faults. `close()` ends the connection.
   *
   * Waits at most `connectTimeoutMs` for the connection. After that it returns the store all the same, with a warning
   * (`redis_not_connected`): a Redis outage must not keep a server from starting. Until Redis is back, every call fails at
   * once with the cause, and no work runs. To start only with Redis, make one call: `await store.read('startup')`. Rejects
   * with a `ConfigurationError` for invalid options, or if the package `ioredis` is not installed.
   *
   * @param options - a URL such as `redis://:password@host:6379/0`, or `ConnectOptions`.
   * @example
   * const store = await RedisStore.connect({ cluster: ['redis://10.0.0.1:7000'], password, prefix: 'shop:' });
   */
  static async connect(options: string | ConnectOptions): Promise<RedisStore> {
    const connection = await prepareConnection(options);
    const { client, storeOptions } = connection;
    const store = new RedisStore(storeOptions);
    store.#completions = new CompletionSubscriber(client, store.#prefix + completionChannel);
    store.#disconnect = () => closeConnection(client);
    await connectAndWait(connection, store.#monitor);
    return store;
  }

  /** Whether Redis replies, as the calls of this process saw it. Sends nothing. */
  health(): RedisHealth {
    const { closure } = this.#executor;
    if (closure === null) return this.#monitor.health;
    return { state: 'closed', lastError: closure.reason, since: closure.since };
  }

  /**
   * Checks the servers and the client options: errors first, then warnings, then information. A good installation has neither
   * errors nor warnings. Does not reject, and leaves nothing in Redis. The first store on a client also runs the check by
   * itself when the client is first ready, and publishes errors and warnings as the event `warning`.
   */
  async check(): Promise<readonly Finding[]> {
    return await checkRedis(this.#client, this.#checkOptions);
  }

  acquire(key: string, request: AcquireRequest): Promise<AcquireReply> {
    const encode = () => encodeAcquireArguments(key, request, this.#completions?.isSubscribed === true);
    return this.#run('acquire', key, encode, (reply) => decodeAcquireReply(reply, request));
  }

  renew(lease: Lease, leaseMs: number): Promise<RenewReply> {
    return this.#run('renew', lease.key, () => encodeRenewArguments(lease, leaseMs), decodeRenewReply);
  }

  checkpoint(lease: Lease, checkpoint: Checkpoint): Promise<CheckpointReply> {
    const encode = () => encodeCheckpointArguments(lease, checkpoint);
    return this.#run('checkpoint', lease.key, encode, decodeCheckpointOrReleaseReply);
  }

  complete(lease: Lease, completion: Completion): Promise<CompleteReply> {
    const encode = () => encodeCompleteArguments(lease, completion);
    return this.#run('complete', lease.key, encode, (reply) => decodeCompleteReply(reply, lease));
  }

  release(holder: LeaseIdentity, request: ReleaseRequest): Promise<ReleaseReply> {
    const encode = () => encodeReleaseArguments(holder, request);
    return this.#run('release', holder.key, encode, decodeCheckpointOrReleaseReply);
  }

  resolve(key: string, request: ResolveRequest): Promise<ResolveReply> {
    return this.#run('resolve', key, () => encodeResolveArguments(key, request), decodeResolveReply);
  }

  read(key: string): Promise<ReadReply> {
    return this.#run('read', key, () => encodeNothing(key), decodeReadReply);
  }

  /**
   * Runs SCAN over all keys of the database, in a cluster over all masters. A page may be empty although more pages follow.
   * Keys with the prefix that cannot be read as records are skipped and counted. With `inDoubt`, it reads the index of doubts instead, and
   * corrects entries that a crash left behind.
   */
  async scan(request: ScanRequest): Promise<ScanPage> {
    checkScan(request);
    if (request.inDoubt !== true)
      return await readPage(await scanKeys(this.#executor, this.#prefix, request), (key) => this.read(key));
    const listed = await scanIndex(this.#executor, this.#prefix, request);
    const page = await readPage(listed, (key) => this.#run('list', key, () => encodeNothing(key), decodeReadReply));
    return { ...page, records: page.records.filter(({ record }) => isInDoubt(record, page.now)) };
  }

  remove(key: string): Promise<{ readonly now: number }> {
    return this.#run(
      'remove',
      key,
      () => encodeNothing(key),
      (reply) => ({ now: reply.readNumber() }),
    );
  }

  /**
   * The first call opens a second connection, on which the messages arrive. A store on a client that was passed in opens none
   * and never calls the listener.
   */
  onAttemptEnded(listener: (key: string) => void): void {
    this.#completions?.addListener(listener);
  }

  /** Closes the connections that `connect` opened. A client that was passed in stays open. */
  async close(): Promise<void> {
    this.#stopMonitoring();
    this.#executor.close();
    this.#completions?.close();
    await this.#disconnect();
  }

  /** Whatever `encode` and `decode` throw is a rejection. They are functions, so that a call needs no second promise. */
  #run<Reply>(
    verb: Verb,
    key: string,
    encode: () => CommandArgument[],
    decode: (reply: ReplyReader) => Reply,
  ): Promise<Reply> {
    try {
      const [keys, args] = [recordKeys(this.#prefix, key), encode()];
      return this.#executor.runScript(verb, scripts[verb], keys, args, durableVerbs.has(verb), decode);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** With `durability`, what these verbs reply must not be lost with the master. */
const durableVerbs: ReadonlySet<Verb> = new Set(['acquire', 'renew', 'checkpoint', 'complete', 'resolve']);
