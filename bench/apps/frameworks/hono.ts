import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { IdempotencyStore } from '@onceguard/core';
import { idempotency } from '@onceguard/hono';
import { Hono } from 'hono';
import { pay } from '../payment.js';

export function honoApp(store: IdempotencyStore | null): RequestListener {
  const app = new Hono();
  if (store !== null) app.use('/payments', idempotency({ store, scope: () => 'account_42' }));
  app.post('/payments', async (c) => c.json(pay(await c.req.json()), 201));
  const listener = getRequestListener(app.fetch);
  return (req, res) => void listener(req, res);
}
