// The protocol on Redis: every verb is one Lua script on a record.
import { StoreError } from '../errors.js';
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
import type { IdempotencyStore, ReadAnswer, ScanPage, ScanRequest, StoreCapabilities } from '../store/port.js';
import { acquireAnswer, completeAnswer, plainAnswer, renewAnswer, resolveAnswer } from './answers.js';
import { announce, examine, type Finding } from './check.js';
import type { Argument, RedisClient } from './client.js';
import type { ConnectOptions } from './connect-options.js';
import { closeConnection, connected, openConnection } from './connection.js';
import * as encode from './encode.js';
import { EndListener } from './end-listener.js';
import type { RedisHealth } from './health.js';
import { RedisLink } from './link.js';
import { type RedisStoreOptions, storeOptionsSchema, warnOfUnsafeOptions } from './options.js';
import type { Durability } from './replicated.js';
import type { Reply } from './reply.js';
import { scanNames } from './scan.js';
import type { Script } from './script.js';
import { acquireScript } from './scripts/acquire.js';
import { checkpointScript } from './scripts/checkpoint.js';
import { completeScript } from './scripts/complete.js';
import { readScript } from './scripts/read.js';
import { endedChannel } from './scripts/record.js';
import { releaseScript } from './scripts/release.js';
import { renewScript } from './scripts/renew.js';
import { removeScript, resolveScript } from './scripts/resolve.js';
import { readAnswer } from './stored-record.js';

/**
 * Records in Redis ≥ 6.0 or Valkey, standalone, behind Sentinel, or in a cluster.
 *
 * - Each verb is one EVALSHA, sent once; whoever calls repeats it with the same token. Those that are called in one go leave
 *   in one pipeline, but for large answers, and but for a cluster.
 * - No call lasts longer than `storeTimeoutMs`, whatever the client does.
 * - The client stays the caller's: never closed, changed or given commands. It must be open as long as the store is used.
 * - What Redis loses (failover, eviction, a restart without AOF), this store has lost. `docs/redis.md` has the settings.
 */
export class RedisStore implements IdempotencyStore {
  readonly name = 'redis';
  readonly capabilities: StoreCapabilities = Object.freeze({ shared: true, durable: true });
  readonly timeoutMs: number;
  readonly #prefix: string;
  readonly #durability: Durability | null;
  readonly #client: RedisClient;
  readonly #link: RedisLink;
  /** Of a store that has its connection from `connect`. */
  #ends: EndListener | null = null;
  #disconnect: () => Promise<void> = async () => {};

  /** Throws a `ConfigurationError` for options that cannot be meant; warns once of client options that are not safe. */
  constructor(options: RedisStoreOptions) {
    const { client, prefix, storeTimeoutMs, durability } = parseOptions(
      'new RedisStore()',
      storeOptionsSchema,
      options,
    );
    warnOfUnsafeOptions(client);
    this.timeoutMs = storeTimeoutMs;
    this.#prefix = prefix;
    this.#client = client;
    this.#durability = durability ?? null;
    const checkAtStart = async () => {
      const found = await this.check();
      // Whoever has closed it meanwhile knows that it does not answer.
      if (this.#link.isOpen) announce(found);
    };
    this.#link = new RedisLink(client, { timeoutMs: storeTimeoutMs, durability: this.#durability }, checkAtStart);
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
    const { client, connectTimeoutMs, store: of } = await openConnection(options);
    const store = new RedisStore(of);
    store.#ends = new EndListener(client, store.#prefix + endedChannel);
    store.#disconnect = () => closeConnection(client);
    await connected(client, connectTimeoutMs);
    return store;
  }

  /** Whether Redis answers, as the calls of this process saw it. Asks nothing. */
  health(): RedisHealth {
    return this.#link.health;
  }

  /**
   * What the servers, and the client, are worth for this job: errors first, then warnings, then what is good to know. A sane
   * set-up has neither errors nor warnings. Does not fail, and leaves nothing behind. It runs once for each client, when it is
   * first ready; errors and warnings are told then by the event `warning`.
   */
  async check(): Promise<readonly Finding[]> {
    const { timeoutMs: storeTimeoutMs } = this;
    const prefix = this.#prefix;
    const durability = this.#durability ?? undefined;
    return await examine(this.#client, { prefix, storeTimeoutMs, durability });
  }

  async acquire(key: string, request: AcquireRequest): Promise<AcquireAnswer> {
    check.checkAcquire(key, request);
    const args = encode.acquireArguments(request, this.#ends?.isHearing === true);
    return acquireAnswer(await this.#runDurably('acquire', acquireScript, key, args), request);
  }

  async renew(lease: Lease, leaseMs: number): Promise<RenewAnswer> {
    check.checkRenew(lease, leaseMs);
    return renewAnswer(await this.#runDurably('renew', renewScript, lease.key, encode.renewArguments(lease, leaseMs)));
  }

  async checkpoint(lease: Lease, point: Checkpoint): Promise<CheckpointAnswer> {
    check.checkCheckpoint(lease, point);
    const args = encode.checkpointArguments(lease, point);
    return plainAnswer(await this.#runDurably('checkpoint', checkpointScript, lease.key, args));
  }

  async complete(lease: Lease, completion: Completion): Promise<CompleteAnswer> {
    check.checkComplete(lease, completion);
    const args = encode.completeArguments(lease, completion);
    return completeAnswer(await this.#runDurably('complete', completeScript, lease.key, args), lease);
  }

  async release(holder: Holder, how: Release): Promise<ReleaseAnswer> {
    check.checkRelease(holder, how);
    return plainAnswer(await this.#run('release', releaseScript, holder.key, encode.releaseArguments(holder, how)));
  }

  async resolve(key: string, request: Resolve): Promise<ResolveAnswer> {
    check.checkResolve(key, request);
    return resolveAnswer(await this.#runDurably('resolve', resolveScript, key, encode.resolveArguments(request)));
  }

  async read(key: string): Promise<ReadAnswer> {
    check.checkKey(key);
    return readAnswer(await this.#run('read', readScript, key, []));
  }

  /**
   * SCAN over all keys of the database, so a page may be empty before the last. In a cluster over all masters. Keys under the
   * prefix that cannot be read as records are skipped and counted.
   */
  async scan(request: ScanRequest): Promise<ScanPage> {
    check.checkScan(request);
    const { now, keys, cursor } = await scanNames(this.#link, this.#prefix, request);
    const read = await Promise.all(keys.map(async (key) => ({ key, answer: await this.#readable(key) })));
    const records = read.flatMap(({ key, answer }) => (answer?.record ? [{ key, record: answer.record }] : []));
    return { now, records, skipped: read.filter(({ answer }) => answer === null).length, cursor };
  }

  async remove(key: string): Promise<{ readonly now: number }> {
    check.checkKey(key);
    return { now: (await this.#run('remove', removeScript, key, [])).number() };
  }

  /** Told by way of a second connection, made when this is first called; never where the client was passed in. */
  whenEnded(listener: (key: string) => void): void {
    this.#ends?.listen(listener);
  }

  /** Ends the connections that `connect` led to; a client that was passed in stays open. */
  async close(): Promise<void> {
    this.#link.close();
    this.#ends?.close();
    await this.#disconnect();
  }

  /** Null: what lies there is no record, or none that this version can read. */
  async #readable(key: string): Promise<ReadAnswer | null> {
    if (!isRecordName(key)) return null;
    try {
      return await this.read(key);
    } catch (error) {
      if (error instanceof StoreError && error.unreadable) return null;
      throw error;
    }
  }

  #run(verb: string, script: Script, key: string, args: Argument[]): Promise<Reply> {
    return this.#link.run(verb, script, this.#nameOf(key), args);
  }

  #runDurably(verb: string, script: Script, key: string, args: Argument[]): Promise<Reply> {
    return this.#link.runDurably(verb, script, this.#nameOf(key), args);
  }

  #nameOf(key: string): string {
    return `${this.#prefix}{${key}}`;
  }
}

function isRecordName(key: string): boolean {
  try {
    check.checkKey(key);
    return true;
  } catch {
    return false;
  }
}
