// What a check finds on a server, by way of a client that is made for it.
import { Redis } from 'ioredis';
import { type CheckOptions, examine, type Finding } from '../../packages/core/src/redis/check.js';
import type { RedisClient } from '../../packages/core/src/redis/index.js';
import { safeRedisOptions } from '../../packages/core/src/redis/index.js';

/** So long that no machine is too slow for it. */
export const patienceMs = 30_000;

/** What is found by way of a client of the caller's. */
export async function found(client: RedisClient, options: Partial<CheckOptions> = {}): Promise<readonly Finding[]> {
  return await examine(client, { prefix: 'onceguard:', storeTimeoutMs: patienceMs, ...options });
}

/** What is found by way of a client with safe options. */
export async function foundAt(url: string, options: Partial<CheckOptions> = {}): Promise<readonly Finding[]> {
  const client = new Redis(url, safeRedisOptions(options.storeTimeoutMs ?? patienceMs));
  client.on('error', () => undefined);
  await client.connect().catch(() => undefined);
  try {
    return await found(client, options);
  } finally {
    client.disconnect();
  }
}

export function codesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ code }) => code).sort();
}
