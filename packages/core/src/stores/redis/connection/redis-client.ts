// The interface that the store needs of a Redis client: what `Redis` and `Cluster` of ioredis 5 and 6 have in common.
import type { ConnectionOptions } from 'node:tls';
import type { CommandArgument } from '../wire/command-argument.js';

/**
 * An ioredis `Redis` or `Cluster`, version 5 or 6. The store never closes or changes it, and defines no commands on it. The
 * store listens to its `ready` and `close` events.
 */
export interface RedisClient extends RedisNode {
  /** `ready`, or a state before it. `end`: the client is closed for good. */
  readonly status: string;
  readonly options: RedisClientOptions;
  /** The socket of a `Redis`, while it is connected. */
  readonly stream?: { cork(): void; uncork(): void } | undefined;
  /** Only a `Cluster` has it. */
  nodes?(role: 'master'): readonly RedisNode[];
  /** Only a `Cluster` has it: it asks the nodes for the current slots. */
  refreshSlotsCache?(): void;
  on?(event: 'ready' | 'close' | 'end' | '+node' | 'refresh', listener: () => void): unknown;
  off?(event: 'ready' | 'close' | '+node' | 'refresh', listener: () => void): unknown;
}

/** One server of a cluster, or the only server. */
export interface RedisNode {
  readonly options: RedisAddress & { readonly enableAutoPipelining?: boolean | undefined };
  callBuffer(command: string, args: CommandArgument[]): Promise<unknown>;
  /** A client without pipelines cannot be used with `durability`. */
  pipeline?(): RedisPipeline;
}

/** Commands that leave together on one connection. */
export interface RedisPipeline {
  callBuffer(
    command: string,
    args: CommandArgument[],
    callback?: (error: Error | null | undefined, reply: unknown) => void,
  ): RedisPipeline;
  exec(): Promise<[error: Error | null, reply: unknown][] | null>;
}

/** The connection options of one server. */
export interface RedisAddress {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
  readonly tls?: ConnectionOptions | undefined;
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
}

/** The client options that the store reads, to find its keys and to warn about unsafe ones. */
export interface RedisClientOptions extends RedisAddress {
  readonly sentinels?: readonly RedisAddress[] | null | undefined;
  readonly name?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  readonly sentinelTLS?: ConnectionOptions | undefined;
  readonly keyPrefix?: string | undefined;
  readonly enableOfflineQueue?: boolean | undefined;
  readonly enableAutoPipelining?: boolean | undefined;
  readonly maxRetriesPerRequest?: number | null | undefined;
  readonly role?: string | undefined;
  readonly scaleReads?: unknown;
  readonly redisOptions?: (RedisAddress & { readonly maxRetriesPerRequest?: number | null | undefined }) | undefined;
}

/** The store's own clients, which connect again whenever they end. */
const reconnectingClients = new WeakSet<RedisClient>();

/** Whether the client is closed for good. */
export function isClosed(client: RedisClient): boolean {
  return client.status === 'end' && !reconnectingClients.has(client);
}

/**
 * Calls `reconnect` whenever the client ends, until `disableReconnect`. ioredis ends for good, as if its user had closed it,
 * when a Sentinel reports a failover while the client is reconnecting.
 */
export function enableReconnect(client: RedisClient, reconnect: () => void): void {
  reconnectingClients.add(client);
  client.on?.('end', () => reconnectingClients.has(client) && reconnect());
}

export function disableReconnect(client: RedisClient): void {
  reconnectingClients.delete(client);
}

export function isCluster(client: RedisClient): boolean {
  return client.nodes !== undefined;
}

/**
 * Sends one command outside of automatic pipelines. ioredis fails on `callBuffer` in an automatic pipeline. In a cluster, a
 * command whose slot has moved would also fail the other commands of its pipeline, and the client would not learn where the
 * slot is now.
 */
export function send(node: RedisNode, command: string, args: CommandArgument[]): Promise<unknown> {
  const pipeline = node.options.enableAutoPipelining === true ? node.pipeline?.() : undefined;
  return pipeline === undefined ? node.callBuffer(command, args) : sendInOwnPipeline(pipeline, command, args);
}

async function sendInOwnPipeline(pipeline: RedisPipeline, command: string, args: CommandArgument[]): Promise<unknown> {
  const [[error, reply] = [null, null]] = (await pipeline.callBuffer(command, args).exec()) ?? [];
  if (error !== null) throw error;
  return reply;
}

/** The servers that accept writes: the masters of a cluster, or the client itself. */
export function mastersOf(client: RedisClient): readonly RedisNode[] {
  return client.nodes?.('master') ?? [client];
}

export function isRedisClient(value: unknown): value is RedisClient {
  return (
    typeof value === 'object' &&
    value !== null &&
    'callBuffer' in value &&
    typeof value.callBuffer === 'function' &&
    'status' in value &&
    'options' in value
  );
}
