// An application that mounts two copies of the middleware in both orders, and gets a request under each.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { MemoryStore } from '@onceguard/core';
import * as esm from '@onceguard/express';
import express from 'express';

const cjs = createRequire(import.meta.url)('@onceguard/express');
const options = { store: new MemoryStore(), scope: 'public', fingerprint: false };
const handler = (_req, res) => void res.sendStatus(201);
const app = express();
app.use('/a', esm.idempotency(options), cjs.idempotency(options), handler);
app.use('/b', cjs.idempotency(options), esm.idempotency(options), handler);
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
for (const path of ['a', 'b']) {
  const url = `http://127.0.0.1:${server.address().port}/${path}`;
  await fetch(url, { method: 'POST', headers: { 'Idempotency-Key': path } });
}
server.closeAllConnections();
server.close();
