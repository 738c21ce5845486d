// Story S2: a client stopped reconnecting for ever after one refusal in protected mode, although the server was repaired.
import { randomUUID } from 'node:crypto';
import { execute } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { describe, it, type TestContext, vi } from 'vitest';
import { told } from '../engine/told.js';
import { standaloneClients } from './clients.js';
import { refusals } from './refusals.js';

/** For so long a connection is waited for; then there is a store all the same. */
const connectTimeoutMs = 500;

interface Way {
  readonly name: string;
  open(url: string): Promise<{ store: RedisStore; close(): Promise<void> }>;
}

const ways: readonly Way[] = [
  ...standaloneClients.map(({ name, make }) => ({
    name,
    open: async (url: string) => {
      const client = make(url);
      await vi.waitUntil(() => client.status === 'ready', connectTimeoutMs).catch(() => {});
      return { store: new RedisStore({ client }), close: async () => client.disconnect() };
    },
  })),
  {
    name: 'RedisStore.connect',
    open: async (url) => {
      const store = await RedisStore.connect({ url, connectTimeoutMs });
      return { store, close: () => store.close() };
    },
  },
];

/** Each of them may take a second. */
const aFewCallsMs = 5_000;
/** A client may wait for as long as the server guesses that it will be loading. */
const secondsMs = 15_000;

describe.concurrent.each(refusals)('S2: a server that refuses $how', ({ start, says }) => {
  it.for(ways)('is named on the first connection, and works once it is repaired, with $name', async (way, test) => {
    const server = await start();
    test.onTestFinished(server.stop);
    await server.refuse();
    const { store, close } = await way.open(server.url);
    test.onTestFinished(close);
    await isNamed(store, says, 'never_ready', test);
    await server.repair();
    await works(store, test);
  });

  it.for(ways)('is named when it worked before, and works again once it is repaired, with $name', async (way, test) => {
    const server = await start();
    test.onTestFinished(server.stop);
    const { store, close } = await way.open(server.url);
    test.onTestFinished(close);
    await works(store, test);
    await server.refuse();
    await isNamed(store, says, 'degraded', test);
    await server.repair();
    await works(store, test);
  });
});

async function isNamed(store: RedisStore, says: RegExp, state: string, { expect }: TestContext): Promise<void> {
  const failure = async (call: Promise<unknown>) => await call.then(() => 'answered', String);
  await vi.waitFor(async () => expect(await failure(store.read('a'))).toMatch(says), aFewCallsMs);
  expect(store.health()).toMatchObject({ state, lastError: expect.stringMatching(says) });
  const execution = execute(() => 'paid', { store, scope: 's2', key: 'refused' });
  expect(await failure(execution)).toMatch(says);
}

async function works(store: RedisStore, { expect }: TestContext): Promise<void> {
  const key = randomUUID();
  const pay = async () => await told(execute(() => 'paid', { store, scope: 's2', key }));
  await vi.waitFor(async () => expect(await pay()).toBe('paid, recorded'), secondsMs);
  expect(store.health()).toMatchObject({ state: 'ready', lastError: null });
}
