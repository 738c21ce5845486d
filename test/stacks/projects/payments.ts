// A user's program for the bundlers: payments through Express, final errors, rejections, a store that fails. It runs
// unbundled and from every bundle, and exits with an error where a promise is broken.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  ConfigurationError,
  IdempotencyError,
  type IdempotencyStore,
  KeyReusedError,
  MemoryStore,
  makeIdempotent,
  StoreError,
} from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import { RedisStore } from '@onceguard/core/redis';
import { idempotency, idempotencyOf, keepRawBody } from '@onceguard/express';
import express from 'express';
import { Redis } from 'ioredis';

class CardDeclined extends Error {}
class LimitExceeded extends Error {}

const url = process.env.REDIS_URL ?? '';
const [recordedPrefix] = process.argv.slice(2);

async function main() {
  const redis = await RedisStore.connect({ url, prefix: `bundled-${randomUUID()}:` });
  for (const store of [new MemoryStore(), redis]) {
    await paysOnce(store);
    await declinesOnce(store, { CardDeclined, LimitExceeded });
    await declinesOnce(store, [LimitExceeded, CardDeclined]);
    await refusesAnotherPayload(store);
    await store.close();
    await refusesWithoutStore(store);
  }
  await checksWithoutRights();
  await connectsToCluster();
  await restoresWhatAnotherBuildRecorded(recordedPrefix ?? `bundled-${randomUUID()}:`);
}

async function paysOnce(store: IdempotencyStore) {
  await onServer(store, async (pay) => {
    const [first, again, other] = [await pay(10), await pay(10), await pay(11)];
    assert.deepEqual([first.status, again.status, other.status], [201, 201, 422]);
    assert.equal(again.headers.get('Idempotent-Replayed'), 'true');
    assert.equal(await again.text(), await first.text());
    assert.equal(await codeIn(other), 'key_reused');
  });
}

async function refusesWithoutStore(closed: IdempotencyStore) {
  await onServer(closed, async (pay) => {
    const refused = await pay(10);
    assert.deepEqual([refused.status, await codeIn(refused)], [503, 'store_unavailable']);
  });
  const book = makeIdempotent(() => 'booked', { store: closed, scope: 'orders', key: () => 'closed' });
  const error = await thrownBy(() => book(undefined));
  assert(error instanceof StoreError && error instanceof IdempotencyError && error instanceof Error);
  assert(!(error instanceof KeyReusedError || error instanceof ConfigurationError));
  assert.equal(error.name, 'StoreError');
}

async function refusesAnotherPayload(store: IdempotencyStore) {
  const book = makeIdempotent((order: number) => order, { store, scope: 'orders', key: () => 'reused' });
  assert.equal(await book(1), 1);
  const error = await thrownBy(() => book(2));
  assert(error instanceof KeyReusedError && !(error instanceof StoreError));
  assert.deepEqual([error.name, error.code], ['KeyReusedError', 'key_reused']);
}

async function declinesOnce(store: IdempotencyStore, finalErrors: Parameters<typeof declining>[1]) {
  const { pay, work } = declining(store, finalErrors, randomUUID());
  for (const _ of [1, 2]) await assert.rejects(pay, isDecline);
  assert.equal(work.runs, 1);
}

/** Builds share records: the first build records the error, and the others restore it. */
async function restoresWhatAnotherBuildRecorded(prefix: string) {
  const store = await RedisStore.connect({ url, prefix });
  const { pay, work } = declining(store, { LimitExceeded, CardDeclined }, 'of all builds');
  await assert.rejects(pay, isDecline);
  await store.close();
  console.log(`recorded by this build: ${work.runs}`);
}

type Classes = Record<string, typeof CardDeclined> | (typeof CardDeclined)[];

function declining(store: IdempotencyStore, finalErrors: Classes, key: string) {
  const work = { runs: 0 };
  const decline = () => {
    work.runs += 1;
    throw new CardDeclined('no funds');
  };
  const pay = makeIdempotent(decline, { store, scope: 'cards', key: () => key, finalErrors });
  return { work, pay: async () => await pay(undefined) };
}

function isDecline(error: unknown) {
  return error instanceof CardDeclined && !(error instanceof LimitExceeded) && error.message === 'no funds';
}

/** Redis' error replies are recognised, however a minifier renames their classes. */
async function checksWithoutRights() {
  const admin = new Redis(url);
  const user = `bundled-${randomUUID()}`;
  await admin.call('ACL', 'SETUSER', user, 'on', '>pw', '~*', '&*', '+@all', '-config', '-info');
  const client = new Redis(url, { username: user, password: 'pw', enableReadyCheck: false, enableOfflineQueue: true });
  const store = new RedisStore({ client });
  assert(Array.isArray(await store.check()));
  await store.close();
  client.disconnect();
  await admin.call('ACL', 'DELUSER', user);
  admin.disconnect();
}

async function connectsToCluster() {
  const store = await RedisStore.connect({ cluster: [{ host: '127.0.0.1', port: 1 }], connectTimeoutMs: 50 });
  await assert.rejects(store.read('nothing'), StoreError);
  await store.close();
}

async function onServer(store: IdempotencyStore, use: (pay: (amount: number) => Promise<Response>) => Promise<void>) {
  const app = express();
  app.use(express.json({ verify: keepRawBody }));
  app.post('/payments', idempotency({ ...httpPaymentPolicy, store, scope: 'public' }), (req, res) => {
    res.status(201).json({ id: idempotencyOf(req).deriveKey('charge'), at: randomUUID() });
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  await use((amount) =>
    fetch(`http://127.0.0.1:${address.port}/payments`, {
      method: 'POST',
      headers: { 'Idempotency-Key': 'pay-1', 'Content-Type': 'application/json' },
      body: JSON.stringify({ amount }),
    }),
  );
  server.closeAllConnections();
  server.close();
}

async function codeIn(response: Response) {
  const problem: unknown = await response.json();
  return typeof problem === 'object' && problem !== null && 'code' in problem ? problem.code : undefined;
}

async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  return await call().then(
    () => assert.fail('it did not throw'),
    (error: unknown) => error,
  );
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
