// A user's program, with every entry point in it. The tests run it on the packed packages as ESM, as CommonJS,
// compiled and bundled.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { idempotentProcessor } from '@onceguard/bullmq';
import {
  executeIdempotently,
  type IdempotencyStore,
  KeyReusedError,
  MemoryStore,
  makeIdempotent,
} from '@onceguard/core';
import { createLifecycle, httpPaymentPolicy, keepRawBody } from '@onceguard/core/http';
import { headerLines, nodeExchange } from '@onceguard/core/node';
import { RedisStore } from '@onceguard/core/redis';
import { idempotency as behindExpress, idempotencyOf as inExpress } from '@onceguard/express';
import { idempotency as behindKoa, type IdempotencyState, idempotencyOf as inKoa } from '@onceguard/koa';
import { manualClock, storeSuite } from '@onceguard/testing';
import { type Job, Queue, Worker } from 'bullmq';
import express from 'express';
import Koa from 'koa';

const store = new MemoryStore();

async function main() {
  await functionsRunOnce(store);
  const redis = await RedisStore.connect({ url: process.env.REDIS_URL ?? '', prefix: `packed-${randomUUID()}:` });
  await functionsRunOnce(redis);
  await redis.close();
  await requestsRunOnce(onExpress());
  await requestsRunOnce(onKoa());
  await requestsRunOnce(onNode());
  await jobsRunOnce();
  await storeProvesItself();
  console.log('everything ran once');
}

async function functionsRunOnce(at: IdempotencyStore) {
  let runs = 0;
  const book = async (order: { id: string; due: Date }) => {
    runs += 1;
    return { due: order.due, lines: [null, 0, ''] };
  };
  const bookOnce = makeIdempotent(book, { store: at, scope: 'orders', key: ({ id }) => id });
  const due = new Date(0);
  const first = await bookOnce({ id: '1', due });
  assert.deepEqual(first, { due, lines: [null, 0, ''] });
  assert.deepEqual(await bookOnce({ id: '1', due }), first);
  assert.equal(runs, 1);
  await assert.rejects(bookOnce({ id: '1', due: new Date(1) }), KeyReusedError);
  const execution = await executeIdempotently(({ deriveKey }) => deriveKey('charge'), {
    store: at,
    scope: 'calls',
    key: '1',
    fingerprint: undefined,
  });
  assert.equal(execution.kind, 'executed');
}

function onExpress() {
  const app = express();
  app.use(express.json({ verify: keepRawBody }));
  app.post('/:id', behindExpress({ ...httpPaymentPolicy, store, scope: (req) => `express ${req.ip}` }), (req, res) => {
    res.status(201).json({ id: req.params.id, attempt: inExpress(req).attempt, at: randomUUID() });
  });
  return createServer(app);
}

function onKoa() {
  const app = new Koa<IdempotencyState>();
  app.use(behindKoa({ store, scope: (ctx) => `koa ${ctx.ip}`, fingerprint: (ctx) => ctx.url }));
  app.use((ctx) => {
    ctx.status = 201;
    ctx.body = { attempt: inKoa(ctx).attempt, at: randomUUID() };
  });
  const callback = app.callback();
  return createServer((req, res) => void callback(req, res));
}

/** An adapter of one's own. */
function onNode() {
  const lifecycle = createLifecycle<IncomingMessage>({ store, scope: () => 'node', fingerprint: false });
  const { headerName, maxOutcomeBytes } = lifecycle.options;
  return createServer((req, res) => {
    const answer = () => res.writeHead(201, { 'Content-Type': 'application/json' }).end(`{"at":"${randomUUID()}"}`);
    const originalUrl = req.url ?? '';
    const keyLines = headerLines(req, headerName);
    if (!lifecycle.appliesTo(req.method, keyLines)) return void answer();
    const known = { req, res, originalUrl, keyLines, maxOutcomeBytes, storeName: store.name };
    const parsedBody = () => undefined;
    const exchange = nodeExchange({
      ...known,
      parsedBody,
      passThrough: answer,
      runHandler: answer,
      isUnrouted: () => false,
    });
    lifecycle.handle(req, exchange).catch((error) => res.destroy(error));
  });
}

async function requestsRunOnce(server: Server) {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  const pay = async () =>
    await fetch(`http://127.0.0.1:${address.port}/7`, {
      method: 'POST',
      headers: { 'Idempotency-Key': 'pay-1', 'Content-Type': 'application/json' },
      body: '{"amount":9007199254740993}',
    });
  const [first, again] = [await pay(), await pay()];
  assert.equal(first.status, 201);
  assert.equal(again.status, 201);
  assert.equal(first.headers.get('Idempotent-Replayed'), null);
  assert.equal(again.headers.get('Idempotent-Replayed'), 'true');
  assert.equal(await again.text(), await first.text());
  server.closeAllConnections();
  server.close();
}

async function jobsRunOnce() {
  const { hostname: host, port } = new URL(process.env.REDIS_URL ?? '');
  const connection = { host, port: Number(port) };
  const name = `packed-${randomUUID()}`;
  let runs = 0;
  const book = idempotentProcessor(async (_job: Job<{ order: string }>) => (runs += 1), {
    store,
    key: (job) => job.data.order,
  });
  const queue = new Queue(name, { connection });
  const worker = new Worker(name, book, { connection });
  const results: unknown[] = [];
  worker.on('completed', (_job, result) => results.push(result));
  for (const order of ['1', '1']) {
    const completed = once(worker, 'completed');
    await queue.add('book', { order });
    await completed;
  }
  assert.deepEqual(results, [1, 1]);
  await worker.close();
  await queue.obliterate();
  await queue.close();
}

/** With a runner of twenty words, as the suite promises to need no more. */
async function storeProvesItself() {
  const tests: (() => Promise<void>)[] = [];
  const runner = {
    describe: (_title: string, body: () => void) => body(),
    test: (_: string, body: () => Promise<void>) => tests.push(body),
  };
  const create = async () => {
    const clock = manualClock();
    return { store: new MemoryStore({ clock: clock.now }), advance: clock.advance, close: async () => {} };
  };
  storeSuite({
    name: 'MemoryStore',
    runner,
    capabilities: { shared: false, controllableClock: true },
    create,
  });
  assert(tests.length > 50);
  for (const body of tests) await body();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
