// The client of RedisStore.connect: it sends and receives what a client of ioredis does, and starts no timer for a command.
import { randomUUID } from 'node:crypto';
import * as ioredis6 from 'ioredis';
import * as ioredis5 from 'ioredis5';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { IoredisClasses } from '../../packages/core/src/stores/redis/connection/ioredis-module.js';
import { scriptClientClass } from '../../packages/core/src/stores/redis/connection/script-client.js';
import { redisUrl } from '../support/redis.js';

const versions = [
  { name: 'ioredis 6', ioredis: ioredis6 as IoredisClasses },
  { name: 'ioredis 5', ioredis: ioredis5 as unknown as IoredisClasses },
];

describe.each(versions)('A client of $name', ({ ioredis }) => {
  const clients: ioredis6.Redis[] = [];
  const connect = (Client = scriptClientClass(ioredis)) => {
    const client = new Client(redisUrl(), { commandTimeout: 60_000 });
    clients.push(client);
    return client;
  };
  afterEach(() => {
    vi.restoreAllMocks();
    for (const client of clients.splice(0)) client.disconnect();
  });

  test.each([
    { what: 'ASCII', value: 'paid' },
    { what: 'an empty text', value: '' },
    { what: 'a text of several bytes a character', value: 'bezahlt: 5 €, 𝄞' },
    { what: 'a number', value: 17.5 },
    { what: 'bytes', value: Buffer.from([0, 255, 13, 10]) },
  ])('sends $what as ioredis does', async ({ value }) => {
    const key = `script-client:${randomUUID()}`;
    await connect().callBuffer('set', [key, value, 'PX', 10_000]);
    const plain = connect(ioredis.Redis);
    expect(await plain.getBuffer(key)).toEqual(Buffer.from(Buffer.isBuffer(value) ? value : String(value)));
    expect(await connect().callBuffer('get', [key])).toEqual(await plain.callBuffer('get', [key]));
  });

  test('rejects with the error of Redis', async () => {
    await expect(connect().callBuffer('get', [])).rejects.toThrow('wrong number of arguments');
  });

  test('starts no timer for a command of the store, and one for a command of ioredis', async () => {
    const client = connect();
    await client.ping();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const timersOfCommands = () => timers.mock.calls.filter(([, ms]) => ms === 60_000).length;
    await client.callBuffer('ping', []);
    expect(timersOfCommands()).toBe(0);
    await client.ping();
    expect(timersOfCommands()).toBe(1);
  });

  test('is of one class for the whole process', () => {
    expect(scriptClientClass(ioredis)).toBe(scriptClientClass(ioredis));
    expect(connect()).toBeInstanceOf(ioredis.Redis);
  });
});

test('Where a test has replaced ioredis and left out Command, the client is of the class Redis', () => {
  const { Redis, Cluster, AbstractConnector, SentinelConnector } = ioredis6;
  const replaced = { Redis, Cluster, AbstractConnector, SentinelConnector, Command: undefined };
  expect(scriptClientClass(replaced)).toBe(Redis);
});
