// What the record of a request says for people: the template of its route, and its trace.
import { lookup } from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { guarded, platforms, startApp } from './fastify-app.js';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe.each(platforms)('The record of a request on $name', (platform) => {
  it('names the method and the whole template of the route, and the trace of the request', async () => {
    const { app, store } = await startApp({
      platform,
      options: { scope: () => 'alice' },
      routes: (root) =>
        root.register(async (routes) => void routes.post('/payments/:id', guarded, async () => ({ paid: true })), {
          prefix: '/v1',
        }),
    });
    const headers = { 'idempotency-key': 'order-17', traceparent };
    await app.inject({ method: 'POST', url: '/v1/payments/42?draft=1', headers });
    const record = await lookup(store, { scope: 'alice', key: 'order-17', method: 'POST', path: '/v1/payments/42' });
    expect(record).toMatchObject({ operation: 'POST /v1/payments/:id', traceparent });
  });
});
