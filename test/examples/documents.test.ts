// Runs the programs of the documents in an application that has what they presuppose.

import { randomUUID } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IdempotencyStore } from '@onceguard/core';
import { Queue, QueueEvents } from 'bullmq';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { runToEnd } from './run-program.js';

interface Application {
  readonly calls: readonly { readonly system: string; readonly key: string }[];
  readonly event: object;
  readonly stripeEvent: object;
  readonly order: object;
  readonly connection: { readonly host: string; readonly port: number };
}

let application: Application;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  process.env.REDIS_URL = redisUrl();
  application = await import(`../../examples/${'application'}.ts`);
});

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** The name is computed, because a static import would add the application's Express types to all tests. */
async function program(name: string) {
  return await import(`../../examples/readme/${name}.ts`);
}

async function programOfDocs(name: string) {
  return await import(`../../examples/docs/${name}.ts`);
}

/** How many calls a system received since. */
function callsSince(system: string, since: number): number {
  return application.calls.slice(since).filter((call) => call.system === system).length;
}

test('The program of README.md gives a repeated order the id of the first', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-readme-'));
  process.env.PORT = '0';
  process.env.ONCEGUARD_DB = join(folder, 'onceguard.db');
  const { server, store } = await program('quickstart');
  closing.push(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  const { first, again } = await sendTwice(server, '/orders', '{"item":"tea"}');
  expect([first.status, again.status, again.headers.get('Idempotent-Replayed')]).toEqual([201, 201, 'true']);
  expect(await again.text()).toBe(await first.text());
});

describe.each([
  ['docs/get-started.md', () => programOfDocs('get-started-express')],
  ['packages/express/README.md', () => program('express-package')],
])('The Express program of %s', (_file, load) => {
  test('charges once for a payment and its repeat', async () => {
    const { app } = await load();
    await paysOnce(app, '/payments', 'provider');
  });
});

test.each([
  ['graphql', '/graphql', { query: 'mutation { pay(cents: 10) }' }],
  ['trpc', '/trpc/pay', null],
])('The program of docs/guides/%s.md charges once for a request and its repeat', async (name, path, body) => {
  const { handler } = await programOfDocs(name);
  const since = application.calls.length;
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() };
  const send = async (): Promise<Response> =>
    await handler(new Request(`http://shop.example${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
  const [first, repeat] = [await send(), await send()];
  expect([first.status, repeat.status, repeat.headers.get('Idempotent-Replayed')]).toEqual([200, 200, 'true']);
  expect(await repeat.text()).toBe(await first.text());
  expect(callsSince('provider', since)).toBe(1);
});

test('The program of packages/testing/README.md charges once although a reply is lost', async () => {
  expect((await program('testing-package')).charges).toBe(1);
});

describe.each([
  ['docs/get-started.md', () => programOfDocs('get-started-koa')],
  ['packages/koa/README.md', () => program('koa-package')],
])('The Koa program of %s', (_file, load) => {
  test('creates one order for a request and its repeat', async () => {
    const { app, store } = await load();
    closeAfterTests(store);
    const callback = app.callback();
    await paysOnce((req, res) => void callback(req, res), '/orders', 'orders');
  });
});

test('The Nest program of packages/nest/README.md creates one order for a request and its repeat', async () => {
  const { createApp } = await program('nest-package');
  const app = await createApp();
  closing.push(async () => await app.close());
  closeAfterTests(app.get(Symbol.for('onceguard.nest.options')).store);
  app.useGlobalGuards({
    canActivate: (context: { switchToHttp(): { getRequest(): object } }) =>
      Reflect.set(context.switchToHttp().getRequest(), 'user', { id: 'user_alice' }),
  });
  await app.init();
  await paysOnce(app.getHttpAdapter().getInstance(), '/orders', 'orders');
});

test('The Fastify program of packages/fastify/README.md charges once for a payment and its repeat', async () => {
  const { app, store } = await program('fastify-package');
  closeAfterTests(store);
  await app.ready();
  await paysOnce((req, res) => app.routing(req, res), '/payments', 'provider');
});

describe.each([
  [
    'docs/get-started.md',
    () => programOfDocs('get-started-function'),
    () => ({ ...application.stripeEvent, pending_webhooks: 1 }),
  ],
  ['packages/core/README.md', () => program('core-package'), () => application.event],
])('The function of %s', (_file, load, redelivered) => {
  test('books an event once, and its repeat gets the recorded result', async () => {
    const since = application.calls.length;
    const { book } = await load();
    expect(await book(redelivered())).toBe(await book(redelivered()));
    expect(callsSince('ledger', since)).toBe(1);
  });
});

test('The retries of docs/steps.md charge once where nothing fails', async () => {
  const since = application.calls.length;
  const { charged } = await programOfDocs('step-retries');
  expect(charged).toMatchObject({ kind: 'executed', value: { id: expect.any(String) }, recorded: true });
  expect(application.calls.slice(since).map(({ system }) => system)).toEqual(['provider']);
});

test.each([
  ['docs/get-started.md', () => programOfDocs('get-started-steps')],
  ['docs/steps.md', () => programOfDocs('steps')],
])('The steps of %s each happen once, with a key of their own', async (_file, load) => {
  const since = application.calls.length;
  const { order } = await load();
  expect(order).toMatchObject({ kind: 'executed', value: { hold: expect.any(String), charge: expect.any(String) } });
  expect(application.calls.slice(since).map(({ system }) => system)).toEqual(['stock', 'provider', 'mailer']);
  expect(new Set(application.calls.slice(since).map(({ key }) => key)).size).toBe(3);
});

test('The worker of packages/bullmq/README.md charges once for two jobs of one order', async () => {
  const since = application.calls.length;
  const { store, worker } = await program('bullmq-package');
  const { connection } = application;
  const [queue, events] = [new Queue(worker.name, { connection }), new QueueEvents(worker.name, { connection })];
  closing.push(
    () => events.close(),
    () => queue.close(),
  );
  closeAfterTests(store);
  closing.push(() => worker.close());
  const data = { orderId: randomUUID(), amount: 20 };
  const jobs = await Promise.all([queue.add('charge', data), queue.add('charge', data)]);
  const [first, second] = await Promise.all(jobs.map((job) => job.waitUntilFinished(events)));
  expect(second).toBe(first);
  expect([callsSince('provider', since), callsSince('mailer', since)]).toEqual([1, 1]);
});

test('The job of docs/jobs.md reserves and charges once for two deliveries', async () => {
  const since = application.calls.length;
  const { ship } = await programOfDocs('jobs');
  expect(await ship(application.order)).toEqual(await ship(application.order));
  expect([callsSince('stock', since), callsSince('provider', since)]).toEqual([1, 1]);
});

test('The interrupted payment of docs/unknown-outcomes.md is recovered by the next caller, and not made again', async () => {
  const { pay } = await programOfDocs('unknown-outcomes');
  await expect(pay(application.order)).rejects.toThrow('the connection to the provider broke');
  for (const _ of [1, 2]) expect(await pay(application.order)).toEqual({ charge: 'charge_found' });
});

test('The scheduled job of docs/unknown-outcomes.md decides about every open doubt', async () => {
  const { pay } = await programOfDocs('unknown-outcomes');
  await expect(pay({ ...application.order, orderId: randomUUID() })).rejects.toThrow('broke');
  const { summary } = await programOfDocs('recover-all');
  expect(summary).toMatchObject({ done: 1, stillUnknown: 0, failed: [], cursor: null });
});

test('The listeners of docs/errors.md log a lost lease', async () => {
  const { stop } = await programOfDocs('events');
  await programOfDocs('diagnostics-channels');
  const since = application.calls.length;
  channel('onceguard:lease_lost').publish({ recordName: 'record', attempt: 1, reason: 'it was taken over' });
  stop();
  expect(callsSince('log', since)).toBe(2);
});

test.each(['testing-faults', 'testing-redis'])('The tests of docs/testing.md pass: %s', async (name) => {
  expect(await runToEnd(`docs/${name}.ts`)).toMatchObject({ status: 0, text: expect.stringMatching(/^. fail 0$/m) });
});

function closeAfterTests(store: IdempotencyStore): void {
  closing.push(() => store.close());
}

async function paysOnce(listener: RequestListener, path: string, system: string): Promise<void> {
  const since = application.calls.length;
  const server = createServer(listener).listen(0, '127.0.0.1');
  const { first, again } = await sendTwice(server, path, '{"amount":20}');
  expect([first.status < 300, again.status]).toEqual([true, first.status]);
  expect(again.headers.get('Idempotent-Replayed')).toBe('true');
  expect(await again.text()).toBe(await first.text());
  expect(callsSince(system, since)).toBe(1);
}

/** Sends one request twice with one key. */
async function sendTwice(server: Server, path: string, body: string): Promise<{ first: Response; again: Response }> {
  const url = await urlOf(server, path);
  const key = randomUUID();
  const send = () =>
    fetch(url, {
      method: 'POST',
      headers: { 'Idempotency-Key': key, 'Content-Type': 'application/json' },
      body,
    });
  return { first: await send(), again: await send() };
}

/** Of a server that is about to listen. Closes it after the tests. */
async function urlOf(server: Server, path: string): Promise<string> {
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  if (!server.listening) await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The server has no port.');
  return `http://127.0.0.1:${address.port}${path}`;
}
