// The protocol on Redis: every verb is one Lua script on a record.
import { StoreError } from '../../errors.js';
import { parseOptions } from '../../parse-options.js';
import * as check from '../../protocol/argument-checks.js';
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
import { CommandExecutor } from './connection/command-executor.js';
import { CompletionSubscriber } from './connection/completion-subscriber.js';
import type { ConnectOptions } from './connection/connect-options.js';
import { closeConnection, connectAndWait, prepareConnection } from './connection/owned-connection.js';
import type { CommandArgument, RedisClient } from './connection/redis-client.js';
import {
  type RedisStoreOptions,
  redisStoreOptionsSchema,
  warnAboutUnsafeClientOptions,
} from './connection/redis-store-options.js';
import type { Durability } from './connection/replication-wait.js';
import { scanKeys } from './connection/scan-keys.js';
import { checkRedis, type Finding, publishFindings } from './diagnostics/check/check-redis.js';
import type { RedisHealth } from './diagnostics/health.js';
import { decodeReadReply } from './wire/decode-record.js';
import {
  decodeAcquireReply,
  decodeCheckpointOrReleaseReply,
  decodeCompleteReply,
  decodeRenewReply,
  decodeResolveReply,
} from './wire/decode-replies.js';
import * as encode from './wire/encode-arguments.js';
import type { LuaScript } from './wire/lua-script.js';
import type { ReplyReader } from './wire/reply-reader.js';
import { acquireScript } from './wire/scripts/acquire-script.js';
import { checkpointScript } from './wire/scripts/checkpoint-script.js';
import { completeScript } from './wire/scripts/complete-script.js';
import { readScript } from './wire/scripts/read-script.js';
import { completionChannel } from './wire/scripts/record-fragments.js';
import { releaseScript } from './wire/scripts/release-script.js';
import { renewScript } from './wire/scripts/renew-script.js';
import { removeScript, resolveScript } from './wire/scripts/resolve-script.js';

/**
 * Records in Redis ≥ 6.0 or Valkey, standalone, behind Sentinel, or in a cluster.
 *
 * - Each verb is one EVALSHA, sent once; whoever calls repeats it with the same token. Those that are called in one go leave
 *   in one pipeline, but for large answers, and but for a cluster.
 * - No call lasts longer than `callTimeoutMs`, whatever the client does.
 * - The client stays the caller's: never closed, changed or given commands. It must be open as long as the store is used.
 * - What Redis loses (failover, eviction, a restart without AOF), this store has lost. `docs/redis.md` has the settings.
 */
export class RedisStore implements IdempotencyStore {
  readonly name: string;
  readonly callTimeoutMs: number;
  readonly retryQueueLimits: RetryQueueLimits | undefined;
  readonly #prefix: string;
  readonly #durability: Durability | null;
  readonly #client: RedisClient;
  readonly #executor: CommandExecutor;
  /** Of a store that has its connection from `connect`. */
  #completions: CompletionSubscriber | null = null;
  #disconnect: () => Promise<void> = async () => {};

  /** Throws a `ConfigurationError` for options that cannot be meant; warns once of client options that are not safe. */
  constructor(options: RedisStoreOptions) {
    const { client, prefix, callTimeoutMs, durability, storeName, retryQueueLimits } = parseOptions(
      'new RedisStore()',
      redisStoreOptionsSchema,
      options,
    );
    warnAboutUnsafeClientOptions(client);
    this.name = storeName;
    this.retryQueueLimits = retryQueueLimits;
    this.callTimeoutMs = callTimeoutMs;
    this.#prefix = prefix;
    this.#client = client;
    this.#durability = durability ?? null;
    const checkAtStart = async () => {
      const found = await this.check();
      // Whoever has closed it meanwhile knows that it does not answer.
      if (this.#executor.isOpen) publishFindings(found);
    };
    this.#executor = new CommandExecutor(
      client,
      { storeName, callTimeoutMs, durability: this.#durability },
      checkAtStart,
    );
  }

  /**
   * A store with a connection of its own, to one server, through Sentinels, or to a cluster, made with the options that
   * hold under faults; `close()` ends it.
   *
   * Waits for the connection, but no longer than `connectTimeoutMs`, and then answers with the store all the same (and
   * warns, `redis_not_connected`): a Redis that is away must not keep a server from starting, it may come back, and
   * until then every call fails at once, naming the cause, and nothing runs. To start only with Redis, make one call:
   * `await store.read('startup')`. Rejects only for invalid options and without the package `ioredis`.
   */
  static async connect(options: string | ConnectOptions): Promise<RedisStore> {
    const { client, connectTimeoutMs, store: of } = await prepareConnection(options);
    const store = new RedisStore(of);
    store.#completions = new CompletionSubscriber(client, store.#prefix + completionChannel);
    store.#disconnect = () => closeConnection(client);
    await connectAndWait(client, connectTimeoutMs);
    return store;
  }

  /** Whether Redis answers, as the calls of this process saw it. Asks nothing. */
  health(): RedisHealth {
    return this.#executor.health;
  }

  /**
   * What the servers, and the client, are worth for this job: errors first, then warnings, then what is good to know. A sane
   * set-up has neither errors nor warnings. Does not fail, and leaves nothing behind. It runs once for each client, when it is
   * first ready; errors and warnings are told then by the event `warning`.
   */
  async check(): Promise<readonly Finding[]> {
    const { callTimeoutMs } = this;
    const prefix = this.#prefix;
    const durability = this.#durability ?? undefined;
    return await checkRedis(this.#client, { prefix, callTimeoutMs, durability });
  }

  async acquire(key: string, request: AcquireRequest): Promise<AcquireReply> {
    check.checkAcquire(key, request);
    const args = encode.acquireArguments(request, this.#completions?.isSubscribed === true);
    return decodeAcquireReply(await this.#runScriptDurably('acquire', acquireScript, key, args), request);
  }

  async renew(lease: Lease, leaseMs: number): Promise<RenewReply> {
    check.checkRenew(lease, leaseMs);
    return decodeRenewReply(
      await this.#runScriptDurably('renew', renewScript, lease.key, encode.renewArguments(lease, leaseMs)),
    );
  }

  async checkpoint(lease: Lease, point: Checkpoint): Promise<CheckpointReply> {
    check.checkCheckpoint(lease, point);
    const args = encode.checkpointArguments(lease, point);
    return decodeCheckpointOrReleaseReply(
      await this.#runScriptDurably('checkpoint', checkpointScript, lease.key, args),
    );
  }

  async complete(lease: Lease, completion: Completion): Promise<CompleteReply> {
    check.checkComplete(lease, completion);
    const args = encode.completeArguments(lease, completion);
    return decodeCompleteReply(await this.#runScriptDurably('complete', completeScript, lease.key, args), lease);
  }

  async release(holder: LeaseIdentity, how: ReleaseRequest): Promise<ReleaseReply> {
    check.checkRelease(holder, how);
    return decodeCheckpointOrReleaseReply(
      await this.#runScript('release', releaseScript, holder.key, encode.releaseArguments(holder, how)),
    );
  }

  async resolve(key: string, request: ResolveRequest): Promise<ResolveReply> {
    check.checkResolve(key, request);
    return decodeResolveReply(
      await this.#runScriptDurably('resolve', resolveScript, key, encode.resolveArguments(request)),
    );
  }

  async read(key: string): Promise<ReadReply> {
    check.checkKey(key);
    return decodeReadReply(await this.#runScript('read', readScript, key, []));
  }

  /**
   * SCAN over all keys of the database, so a page may be empty before the last. In a cluster over all masters. Keys under the
   * prefix that cannot be read as records are skipped and counted.
   */
  async scan(request: ScanRequest): Promise<ScanPage> {
    check.checkScan(request);
    const { now, keys, cursor } = await scanKeys(this.#executor, this.#prefix, request);
    const read = await Promise.all(keys.map(async (key) => ({ key, answer: await this.#tryRead(key) })));
    const records = read.flatMap(({ key, answer }) => (answer?.record ? [{ key, record: answer.record }] : []));
    return { now, records, skipped: read.filter(({ answer }) => answer === null).length, cursor };
  }

  async remove(key: string): Promise<{ readonly now: number }> {
    check.checkKey(key);
    return { now: (await this.#runScript('remove', removeScript, key, [])).readNumber() };
  }

  /** Told by way of a second connection, made when this is first called; never where the client was passed in. */
  onAttemptEnded(listener: (key: string) => void): void {
    this.#completions?.addListener(listener);
  }

  /** Ends the connections that `connect` led to; a client that was passed in stays open. */
  async close(): Promise<void> {
    this.#executor.close();
    this.#completions?.close();
    await this.#disconnect();
  }

  /** Null: what lies there is no record, or none that this version can read. */
  async #tryRead(key: string): Promise<ReadReply | null> {
    if (!isValidKey(key)) return null;
    try {
      return await this.read(key);
    } catch (error) {
      if (error instanceof StoreError && error.unreadable) return null;
      throw error;
    }
  }

  #runScript(verb: string, script: LuaScript, key: string, args: CommandArgument[]): Promise<ReplyReader> {
    return this.#executor.runScript(verb, script, this.#redisKey(key), args);
  }

  #runScriptDurably(verb: string, script: LuaScript, key: string, args: CommandArgument[]): Promise<ReplyReader> {
    return this.#executor.runScriptDurably(verb, script, this.#redisKey(key), args);
  }

  #redisKey(key: string): string {
    return `${this.#prefix}{${key}}`;
  }
}

function isValidKey(key: string): boolean {
  try {
    check.checkKey(key);
    return true;
  } catch {
    return false;
  }
}
