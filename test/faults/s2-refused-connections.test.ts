// Story S2: a client stopped reconnecting for ever after one refusal in protected mode, although the server was
// repaired.
import { randomUUID } from 'node:crypto';
import { executeIdempotently } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { describe, it, type TestContext, vi } from 'vitest';
import { summarize } from '../engine/execution-summary.js';
import { refusalKinds } from './refusing-servers.js';
import { standaloneClients } from './standalone-clients.js';

/** How long connect waits for a connection; after that it returns a store without one. */
const connectTimeoutMs = 500;

interface ConnectionKind {
  readonly name: string;
  open(url: string): Promise<{ store: RedisStore; close(): Promise<void> }>;
}

const connectionKinds: readonly ConnectionKind[] = [
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
const fewCallsLimitMs = 5_000;
/** A client may wait as long as the server estimates its loading time. */
const loadingLimitMs = 15_000;

describe.concurrent.each(refusalKinds)('S2: a server that refuses $how', ({ start, message }) => {
  it.for(connectionKinds)(
    'is named on the first connection, and works once it is repaired, with $name',
    async (entryPoint, test) => {
      const server = await start();
      test.onTestFinished(server.stop);
      await server.refuse();
      const { store, close } = await entryPoint.open(server.url);
      test.onTestFinished(close);
      await expectRefusalNamed(store, message, 'never_ready', test);
      await server.repair();
      await expectWorks(store, test);
    },
  );

  it.for(connectionKinds)(
    'is named when it worked before, and works again once it is repaired, with $name',
    async (entryPoint, test) => {
      const server = await start();
      test.onTestFinished(server.stop);
      const { store, close } = await entryPoint.open(server.url);
      test.onTestFinished(close);
      await expectWorks(store, test);
      await server.refuse();
      await expectRefusalNamed(store, message, 'degraded', test);
      await server.repair();
      await expectWorks(store, test);
    },
  );
});

async function expectRefusalNamed(
  store: RedisStore,
  says: RegExp,
  state: string,
  { expect }: TestContext,
): Promise<void> {
  const failure = async (call: Promise<unknown>) => await call.then(() => 'answered', String);
  await vi.waitFor(async () => expect(await failure(store.read('a'))).toMatch(says), fewCallsLimitMs);
  expect(store.health()).toMatchObject({ state, lastError: expect.stringMatching(says) });
  const execution = executeIdempotently(() => 'paid', { store, scope: 's2', key: 'refused' });
  expect(await failure(execution)).toMatch(says);
}

async function expectWorks(store: RedisStore, { expect }: TestContext): Promise<void> {
  const key = randomUUID();
  const pay = async () => await summarize(executeIdempotently(() => 'paid', { store, scope: 's2', key }));
  await vi.waitFor(async () => expect(await pay()).toBe('paid, recorded'), loadingLimitMs);
  expect(store.health()).toMatchObject({ state: 'ready', lastError: null });
}
