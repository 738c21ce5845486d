// The protocol on Redis: every verb is one Lua script on the two keys of a record.
import { parseOptions } from '../options.js';
import * as check from '../protocol/arguments.js';
import type {
  AcquireAnswer,
  AcquireRequest,
  Checkpoint,
  CheckpointAnswer,
  CompleteAnswer,
  Completion,
  Holder,
  Lease,
  Release,
  ReleaseAnswer,
  RenewAnswer,
  Resolve,
  ResolveAnswer,
} from '../protocol/messages.js';
import type { IdempotencyStore, ReadAnswer, ScanPage, ScanRequest, StoreCapabilities } from '../store.js';
import { acquireAnswer, completeAnswer, plainAnswer, renewAnswer, resolveAnswer } from './answers.js';
import { type ConnectOptions, RedisConnection } from './connection.js';
import * as encode from './encode.js';
import { RedisLink } from './link.js';
import { type RedisStoreOptions, storeOptionsSchema, warnOfUnsafeOptions } from './options.js';
import type { Reply } from './reply.js';
import { scanNames } from './scan.js';
import type { Script } from './script.js';
import { acquireScript } from './scripts/acquire.js';
import { checkpointScript } from './scripts/checkpoint.js';
import { completeScript } from './scripts/complete.js';
import { readScript } from './scripts/read.js';
import { releaseScript } from './scripts/release.js';
import { renewScript } from './scripts/renew.js';
import { removeScript, resolveScript } from './scripts/resolve.js';
import { readAnswer } from './stored-record.js';

/**
 * Records in Redis ≥ 6.2 or Valkey, standalone, behind Sentinel, or in a cluster.
 *
 * - Each verb is one EVALSHA, sent once; whoever calls repeats it with the same token.
 * - No call lasts longer than `storeTimeoutMs`, whatever the client does.
 * - The client stays the caller's: never closed, changed or given commands. It must be open as long as the store is used.
 * - What Redis loses (failover, eviction, a restart without AOF), this store has lost. `docs/redis.md` has the settings.
 */
export class RedisStore implements IdempotencyStore {
  readonly name = 'redis';
  readonly capabilities: StoreCapabilities = Object.freeze({ shared: true, durable: true });
  readonly timeoutMs: number;
  readonly #prefix: string;
  readonly #link: RedisLink;
  #connection: RedisConnection | null = null;

  /** Throws a `ConfigurationError` for options that cannot be meant; warns once of client options that are not safe. */
  constructor(options: RedisStoreOptions) {
    const { client, prefix, storeTimeoutMs } = parseOptions('new RedisStore()', storeOptionsSchema, options);
    warnOfUnsafeOptions(client);
    this.timeoutMs = storeTimeoutMs;
    this.#prefix = prefix;
    this.#link = new RedisLink(client, storeTimeoutMs);
  }

  /**
   * A store with a connection of its own, made with the options that hold under faults; `close()` ends it.
   * Waits for the connection, but no longer than `storeTimeoutMs`, and then answers with the store all the same (and
   * warns, `redis_not_connected`): a Redis that is away must not keep a server from starting, it may come back, and
   * until then every call fails at once, naming the cause, and nothing runs. To start only with Redis, make one call:
   * `await store.read('startup')`. Rejects only for invalid options and without the package `ioredis`.
   */
  static async connect(options: string | ConnectOptions): Promise<RedisStore> {
    const { connection, prefix, storeTimeoutMs } = await RedisConnection.open(options);
    const store = new RedisStore({ client: connection, prefix, storeTimeoutMs });
    store.#connection = connection;
    return store;
  }

  async acquire(key: string, request: AcquireRequest): Promise<AcquireAnswer> {
    check.checkAcquire(key, request);
    return acquireAnswer(await this.#run('acquire', acquireScript, key, encode.acquireArguments(request)));
  }

  async renew(lease: Lease, leaseMs: number): Promise<RenewAnswer> {
    check.checkRenew(lease, leaseMs);
    return renewAnswer(await this.#run('renew', renewScript, lease.key, encode.renewArguments(lease, leaseMs)));
  }

  async checkpoint(lease: Lease, point: Checkpoint): Promise<CheckpointAnswer> {
    check.checkCheckpoint(lease, point);
    const args = encode.checkpointArguments(lease, point);
    return plainAnswer(await this.#run('checkpoint', checkpointScript, lease.key, args));
  }

  async complete(lease: Lease, completion: Completion): Promise<CompleteAnswer> {
    check.checkComplete(lease, completion);
    const args = encode.completeArguments(lease, completion);
    return completeAnswer(await this.#run('complete', completeScript, lease.key, args));
  }

  async release(holder: Holder, how: Release): Promise<ReleaseAnswer> {
    check.checkRelease(holder, how);
    return plainAnswer(await this.#run('release', releaseScript, holder.key, encode.releaseArguments(holder, how)));
  }

  async resolve(key: string, request: Resolve): Promise<ResolveAnswer> {
    check.checkResolve(key, request);
    return resolveAnswer(await this.#run('resolve', resolveScript, key, encode.resolveArguments(request)));
  }

  async read(key: string): Promise<ReadAnswer> {
    check.checkKey(key);
    return readAnswer(await this.#run('read', readScript, key, []));
  }

  /** SCAN over all keys of the database, so a page may be empty before the last. In a cluster over all masters. */
  async scan(request: ScanRequest): Promise<ScanPage> {
    check.checkScan(request);
    const { now, keys, cursor } = await scanNames(this.#link, this.#prefix, request);
    const read = await Promise.all(keys.map(async (key) => ({ key, record: (await this.read(key)).record })));
    return { now, records: read.flatMap(({ key, record }) => (record === null ? [] : [{ key, record }])), cursor };
  }

  async remove(key: string): Promise<{ readonly now: number }> {
    check.checkKey(key);
    return { now: (await this.#run('remove', removeScript, key, [])).number() };
  }

  /** Ends the connection that `connect` opened; a client that was passed in stays open. */
  async close(): Promise<void> {
    this.#link.close();
    await this.#connection?.close();
  }

  #run(verb: string, script: Script, key: string, args: (string | Buffer | number)[]): Promise<Reply> {
    return this.#link.run(verb, script, `${this.#prefix}{${key}}`, args);
  }
}
