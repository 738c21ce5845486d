// Runs a check on a server, through a client that is made for it.
import { Redis } from 'ioredis';
import {
  type CheckOptions,
  checkRedis,
  type Finding,
} from '../../packages/core/src/stores/redis/diagnostics/check/check-redis.js';
import type { RedisClient } from '../../packages/core/src/stores/redis/index.js';
import { safeRedisOptions } from '../../packages/core/src/stores/redis/index.js';

/** Long enough for the slowest machine. */
export const generousTimeoutMs = 30_000;

/** The findings of a check through the caller's client. */
export async function checkWith(client: RedisClient, options: Partial<CheckOptions> = {}): Promise<readonly Finding[]> {
  return await checkRedis(client, { prefix: 'onceguard:', callTimeoutMs: generousTimeoutMs, ...options });
}

/** The findings of a check through a client with safe options. */
export async function checkAt(url: string, options: Partial<CheckOptions> = {}): Promise<readonly Finding[]> {
  const client = new Redis(url, safeRedisOptions(options.callTimeoutMs ?? generousTimeoutMs));
  client.on('error', () => undefined);
  await client.connect().catch(() => undefined);
  try {
    return await checkWith(client, options);
  } finally {
    client.disconnect();
  }
}

export function codesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ code }) => code).sort();
}
