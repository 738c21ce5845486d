// Damaged records in Redis: a repeat gets the right value or a typed error, and nothing runs again.
import { isDeepStrictEqual } from 'node:util';
import { executeIdempotently, StoreError } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import type { Random } from '../model/seeded-random.js';
import { mutateBytes } from '../store/byte-mutations.js';
import { startRedis } from '../support/redis.js';
import { escapeBytes, type FuzzTarget } from './target.js';

const value = { charge: 'ch_1', amount: 12 };

/** The input replaces the record. Uses its own server, unless REDIS_URL names one. */
export async function damagedRecords(): Promise<FuzzTarget> {
  const url = process.env.REDIS_URL;
  const server = url === undefined ? await startRedis() : undefined;
  const redis = new Redis(url ?? `redis://127.0.0.1:${server?.port}`);
  const prefix = `fuzz:${process.pid}:`;
  const store = new RedisStore({ client: redis, prefix, callTimeoutMs: 30_000 });
  const call = { store, scope: 'fuzz', key: 'k', fingerprint: null };
  await executeIdempotently(() => value, call);
  const [name = ''] = await redis.keys(`${prefix}*`);
  const kept = (await redis.getBuffer(name)) ?? Buffer.alloc(0);

  return {
    name: 'records',
    draw: (random: Random) => mutateBytes(kept, kept, random),
    async check(input: Buffer): Promise<string | null> {
      let runs = 0;
      await redis.set(name, input, 'PX', 600_000);
      try {
        const end = await executeIdempotently(() => {
          runs += 1;
        }, call);
        const isRight = end.kind === 'replayed' && isDeepStrictEqual(end.value, value);
        return isRight ? null : `a repeat got ${end.kind}, and ran ${runs} times`;
      } catch (error) {
        if (runs > 0) return 'it ran again';
        return error instanceof StoreError ? null : `no StoreError: ${String(error)} for ${escapeBytes(input)}`;
      }
    },
    async close() {
      await redis.unlink(name);
      await store.close();
      redis.disconnect();
      await server?.stop();
    },
  };
}
