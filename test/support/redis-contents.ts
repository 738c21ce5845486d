// What a Redis holds, as text: to show that something is not in it.
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { redisUrl } from './redis.js';

/** The names of all keys under the prefix, and their values. Bytes are characters of Latin-1. */
export async function everythingBelow(prefix: string): Promise<string> {
  const client = new Redis(redisUrl());
  const keys = (await client.keys('*')).filter((key) => key.startsWith(prefix));
  const values = keys.map(async (key) => {
    switch (await client.type(key)) {
      case 'hash':
        return inspect(await client.hgetall(key));
      case 'zset':
        return inspect(await client.zrange(key, '0', '-1'));
      default:
        return (await client.getBuffer(key))?.toString('latin1');
    }
  });
  const all = [...keys, ...(await Promise.all(values))].join('\n');
  client.disconnect();
  return all;
}
