// A connection of a test's own to a server, for the time of a few commands.
import type { Redis } from 'ioredis';

/** A command that a frozen server never answers ends after this. */
const commandTimeoutMs = 10_000;

/** Whatever is sent to it is sent once, and to a server in any state: loading, without a cluster, a Sentinel. */
export async function connectTo(url: string): Promise<Redis> {
  const Redis = await loadRedis();
  const redis = new Redis(url, {
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    commandTimeout: commandTimeoutMs,
  });
  let refusal: Error | null = null;
  redis.on('error', (error: Error) => {
    refusal = error;
  });
  await redis.connect().catch((error: unknown) => Promise.reject(refusal ?? error));
  return redis;
}

/** One command on a connection of its own. */
export async function sendCommand(url: string, name: string, args: readonly (string | number)[]): Promise<unknown> {
  const redis = await connectTo(url);
  try {
    return await redis.call(name, ...args);
  } finally {
    redis.disconnect();
  }
}

async function loadRedis(): Promise<typeof Redis> {
  try {
    return (await import('ioredis')).Redis;
  } catch (cause) {
    throw new Error('The servers of @onceguard/testing need the package ioredis: npm install ioredis', { cause });
  }
}
