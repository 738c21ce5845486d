// An application that mounts the middleware twice, and gets two requests.
import { once } from 'node:events';
import { MemoryStore } from '@onceguard/core';
import { idempotency } from '@onceguard/express';
import express from 'express';

const options = { store: new MemoryStore(), scope: 'public', fingerprint: false };
const app = express().use(idempotency(options), idempotency(options), (_req, res) => void res.sendStatus(201));
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
for (const key of ['a', 'b']) {
  await fetch(`http://127.0.0.1:${server.address().port}`, { method: 'POST', headers: { 'Idempotency-Key': key } });
}
server.closeAllConnections();
server.close();
