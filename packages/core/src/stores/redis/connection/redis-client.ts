// What the store needs of a Redis client: what Redis and Cluster of ioredis 5 and 6 have in common.
import type { ConnectionOptions } from 'node:tls';
import { redactName } from './redact.js';

/** Of a command, as the client takes it. */
export type CommandArgument = string | Buffer | number;

/**
 * An ioredis `Redis` or `Cluster`, version 5 or 6. It stays the caller's: never closed, changed or given commands; the
 * store listens to when it is ready and when it is not.
 */
export interface RedisClient extends RedisNode {
  /** `ready`, or on the way there; `end`: closed for good. */
  readonly status: string;
  readonly options: RedisClientOptions;
  /** Only a `Cluster` has it. */
  nodes?(role: 'master'): readonly RedisNode[];
  /** Of a `Cluster`: asks where the slots are. */
  refreshSlotsCache?(): void;
  /** Through it all commands leave, also those of a pipeline; tracing wraps it. */
  sendCommand?(...args: unknown[]): unknown;
  on?(event: 'ready' | 'close' | 'end' | '+node' | 'refresh', listener: () => void): unknown;
  off?(event: 'ready' | 'close' | '+node' | 'refresh', listener: () => void): unknown;
}

/** One server of a cluster, or the only one. */
export interface RedisNode {
  readonly options: RedisAddress & { readonly enableAutoPipelining?: boolean | undefined };
  callBuffer(command: string, args: CommandArgument[]): Promise<unknown>;
  /** For calls that go out together. Without it every command is sent alone, and `durability` cannot be had. */
  pipeline?(): RedisPipeline;
}

/** Commands that go out together on one connection. */
export interface RedisPipeline {
  callBuffer(
    command: string,
    args: CommandArgument[],
    told?: (error: Error | null | undefined, reply: unknown) => void,
  ): RedisPipeline;
  exec(): Promise<[error: Error | null, reply: unknown][] | null>;
}

export interface RedisAddress {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
  readonly tls?: ConnectionOptions | undefined;
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
}

/** The options of a client that the store looks at, to find its keys and to warn of what is not safe. */
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

/** Clients of the store's own, which are connected again whenever they end. */
const reconnectingClients = new WeakSet<RedisClient>();

/** A closed client answers nothing any more, whatever is done. */
export function isClosed(client: RedisClient): boolean {
  return client.status === 'end' && !reconnectingClients.has(client);
}

/**
 * ioredis ends for good, as if its user had closed it, where a Sentinel tells of a failover while the connection is being made
 * anew: `connectAgain` is called then, until `letClose`.
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
 * Sends a command that stands alone. In automatic pipelines it would not: ioredis fails on such calls there, and in a cluster
 * a command whose slot has moved would fail with its neighbours, without the client ever learning where the slot is now.
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

/** All servers that hold records of their own. */
export function mastersOf(client: RedisClient): readonly RedisNode[] {
  return client.nodes?.('master') ?? [client];
}

/** What people call a server: its address, or the name by which Sentinel knows the master. */
export function serverName({ options }: { readonly options: RedisClientOptions }): string {
  if (options.sentinels) return options.name ?? 'the master';
  return redactName(options.path ?? `${options.host ?? 'localhost'}:${options.port ?? 6379}`);
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
