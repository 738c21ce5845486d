// The life of a request on h3: its routes, its context, what its record says, and a client that leaves.
import { once } from 'node:events';
import { request } from 'node:http';
import { listDoubts } from '@onceguard/core';
import { clientSignalOf, idempotencyOf } from '@onceguard/h3';
import { H3 } from 'h3';
import { describe, expect, test } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { headers, listen, newApp, openStore, payment, protect, replayed } from './h3-testbed.js';

describe('Where no route matches,', () => {
  test('the key stays free', async () => {
    const app = newApp();
    app.use(protect());
    const attempts = [await app.request('/nowhere', payment), await app.request('/nowhere', payment)];
    expect(attempts.map((response) => [response.status, replayed(response)])).toEqual([
      [404, null],
      [404, null],
    ]);
  });

  test('and a route responds with 404 itself, that is recorded', async () => {
    const app = newApp();
    app.use(protect());
    app.post('/payments', () => new Response('No such account.', { status: 404 }));
    await app.request('/payments', payment);
    expect(replayed(await app.request('/payments', payment))).toBe('true');
  });
});

test('The context is there for the handler, and idempotencyOf names the remedy where there is none', async () => {
  const app = newApp();
  app.use(protect());
  app.post('/payments', (event) => idempotencyOf(event).deriveKey('charge'));
  expect(await (await app.request('/payments', payment)).text()).toMatch(/^[0-9a-f-]{36}$/);
  const errors: unknown[] = [];
  const bare = new H3({ silent: true, onError: (error) => void errors.push(error.cause) });
  bare.use(protect());
  bare.post('/payments', (event) => idempotencyOf(event).key);
  await bare.request('/payments', { method: 'POST' });
  expect(errors).toMatchObject([{ code: 'context_missing', message: expect.stringContaining('required: true') }]);
});

test('The record names the route by its template, and the trace by the header of the request', async () => {
  const store = openStore();
  const app = newApp();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  app.use(protect({ store, onFailure: 'unknown', onAbandoned: 'block' }));
  app.post('/users/:id/payments', () => {
    throw new Error('It failed.');
  });
  await app.request('/users/7/payments', { ...payment, headers: { ...headers, traceparent } });
  const { doubts } = await listDoubts(store);
  expect(doubts).toMatchObject([{ operation: 'POST /users/:id/payments', traceparent }]);
});

test('The body is there for the handler in each of its forms', async () => {
  const app = newApp();
  app.use(protect());
  app.post('/json', async (event) => await event.req.json());
  app.post('/text', async (event) => await event.req.text());
  app.post('/stream', async (event) => await new Response(event.req.body).text());
  app.post('/clone', async (event) => await event.req.clone().text());
  for (const path of ['/json', '/text', '/stream', '/clone'])
    expect(await (await app.request(path, payment)).json(), path).toEqual({ cents: 10 });
});

test('A client that leaves does not cancel the handler, and its retry gets the response', async () => {
  const [entered, left] = [newGate(), newGate()];
  const seen: unknown[] = [];
  const app = newApp();
  app.use(protect({ onInProgress: { waitMs: 10_000 } }));
  app.post('/payments', async (event) => {
    const client = clientSignalOf(event);
    entered.open();
    if (!client.aborted) await once(client, 'abort');
    seen.push(event.req.signal.aborted);
    left.open();
    return 'paid';
  });
  const url = `${await listen(app)}/payments`;
  const leaving = request(url, { method: 'POST', headers, agent: false }).on('error', () => {});
  leaving.end(payment.body);
  await entered.opened;
  leaving.destroy();
  await left.opened;
  const retry = await fetch(url, payment);
  expect([await retry.text(), replayed(retry), seen]).toEqual(['paid', 'true', [false]]);
});
