// Short connections to a server, for a few commands.
import type { Redis } from 'ioredis';

/** A command to a server that does not reply, such as a frozen one, fails after this time. */
const commandTimeoutMs = 10_000;

/** Connects to a server in any state, also one that is loading or is a Sentinel. A command is sent once and never retried. */
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
  let connectionError: Error | null = null;
  redis.on('error', (error: Error) => {
    connectionError = error;
  });
  await redis.connect().catch((error: unknown) => Promise.reject(connectionError ?? error));
  return redis;
}

/** Sends one command on a connection of its own. */
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
