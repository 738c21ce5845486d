// A user's program with the adapters whose frameworks need Node 20 and newer declarations. The tests run it as they run program.ts.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { MemoryStore } from '@onceguard/core';
import { idempotency as behindFastify, idempotencyOf as inFastify } from '@onceguard/fastify';
import { idempotency as behindH3, idempotencyOf as inH3 } from '@onceguard/h3';
import { idempotency as behindHono, type IdempotencyVariables, idempotencyOf as inHono } from '@onceguard/hono';
import { type HttpEvent, idempotentSqs, withIdempotency as onLambda } from '@onceguard/lambda';
import { idempotency as behindMiddy } from '@onceguard/lambda/middy';
import { withIdempotency as onWeb } from '@onceguard/web';
import { next } from '@onceguard/web/next';
import { sveltekit } from '@onceguard/web/sveltekit';
import fastify from 'fastify';
import { H3 } from 'h3';
import { Hono } from 'hono';

const store = new MemoryStore();
const body = '{"amount":9007199254740993}';
const headers = { 'content-type': 'application/json', 'idempotency-key': 'pay-1' };

async function main() {
  await requestsRunOnce(await onFastify());
  await requestsRunOnce(onHono());
  await requestsRunOnce(onH3());
  await requestsRunOnce(ofWeb(next));
  await requestsRunOnce(ofWeb(sveltekit));
  await eventsRunOnce();
  await messagesRunOnce();
  console.log('everything ran once');
}

type Send = () => Promise<{ readonly replayed: string | null; readonly text: string }>;

async function requestsRunOnce(send: Send) {
  const [first, again] = [await send(), await send()];
  assert.equal(first.replayed, null);
  assert.equal(again.replayed, 'true');
  assert.equal(again.text, first.text);
}

async function onFastify(): Promise<Send> {
  const app = fastify();
  await app.register(behindFastify, { store, scope: (request) => `fastify ${request.ip}` });
  app.post('/payments', { config: { idempotency: { leaseMs: 5_000 } } }, async (request) => ({
    attempt: inFastify(request).attempt,
    at: randomUUID(),
  }));
  return async () => {
    const response = await app.inject({ method: 'POST', url: '/payments', headers, body });
    return { replayed: String(response.headers['idempotent-replayed'] ?? '') || null, text: response.body };
  };
}

function onHono(): Send {
  const app = new Hono<{ Variables: IdempotencyVariables }>();
  app.post('/payments', behindHono({ store, scope: () => 'hono' }), (c) =>
    c.json({ attempt: inHono(c).attempt, at: randomUUID() }),
  );
  return async () => await received(await app.request('/payments', { method: 'POST', headers, body }));
}

function onH3(): Send {
  const app = new H3();
  app.use('/payments', behindH3({ store, scope: () => 'h3' }));
  app.post('/payments', (event) => ({ attempt: inH3(event).attempt, at: randomUUID() }));
  return async () => await received(await app.request('/payments', { method: 'POST', headers, body }));
}

function ofWeb(preset: typeof next | typeof sveltekit): Send {
  const scope = randomUUID();
  const handler = onWeb(async (request: Request) => Response.json({ got: await request.text(), at: randomUUID() }), {
    store,
    scope: () => scope,
    ...preset,
  });
  return async () =>
    await received(await handler(new Request('http://localhost/payments', { method: 'POST', headers, body })));
}

async function received(response: Response) {
  return { replayed: response.headers.get('idempotent-replayed'), text: await response.text() };
}

async function eventsRunOnce() {
  const pay = onLambda(async (_event: HttpEvent) => ({ statusCode: 201, body: randomUUID() }), {
    store,
    scope: () => 'lambda',
  });
  const event = () => ({
    ...{ version: '2.0', rawPath: '/payments', rawQueryString: '' },
    ...{ requestContext: { http: { method: 'POST' } }, headers, body, isBase64Encoded: false },
  });
  const context = { getRemainingTimeInMillis: () => 10_000 };
  const [first, again] = [await pay(event(), context), await pay(event(), context)];
  assert.equal(Reflect.get(again, 'body'), Reflect.get(first, 'body'));
  assert.equal(typeof behindMiddy({ store, scope: () => 'middy' }).before, 'function');
}

async function messagesRunOnce() {
  let runs = 0;
  const handle = idempotentSqs(
    () => {
      runs += 1;
    },
    { store, scope: 'orders', key: ({ body: order }) => order },
  );
  const Records = ['1', '1'].map((order, at) => ({ messageId: String(at), body: order }));
  assert.deepEqual(await handle({ Records }, { getRemainingTimeInMillis: () => 10_000 }), { batchItemFailures: [] });
  assert.equal(runs, 1);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
