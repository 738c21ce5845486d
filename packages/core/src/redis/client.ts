// What the store needs of a Redis client: what Redis and Cluster of ioredis 5 and 6 have in common.

/** An ioredis `Redis` or `Cluster`, version 5 or 6. It stays the caller's: never closed, changed or given commands. */
export interface RedisClient extends RedisNode {
  /** `ready`, or on the way there; `end`: closed for good. */
  readonly status: string;
  readonly options: RedisClientOptions;
  /** Only a `Cluster` has it. */
  nodes?(role: 'master'): readonly RedisNode[];
}

/** One server of a cluster, or the only one. */
export interface RedisNode {
  readonly options: { readonly host?: string | undefined; readonly port?: number | undefined };
  callBuffer(command: string, args: (string | Buffer | number)[]): Promise<unknown>;
}

/** The options of a client that the store looks at, to find its keys and to warn of what is not safe. */
export interface RedisClientOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly keyPrefix?: string | undefined;
  readonly enableOfflineQueue?: boolean | undefined;
  readonly enableAutoPipelining?: boolean | undefined;
  readonly maxRetriesPerRequest?: number | null | undefined;
  readonly role?: string | undefined;
  readonly scaleReads?: unknown;
  readonly redisOptions?: { readonly maxRetriesPerRequest?: number | null | undefined } | undefined;
}

/** A closed client answers nothing any more, whatever is done. */
export function isClosed(client: RedisClient): boolean {
  return client.status === 'end';
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
