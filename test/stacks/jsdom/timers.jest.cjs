// Run by jest in jsdom, where a timer is a number and some of Node's globals are missing.
const { createServer, request } = require('node:http');
const { MemoryStore, executeIdempotently, makeIdempotent } = require('@onceguard/core');
const { idempotency } = require('@onceguard/express');
const express = require('express');

const store = new MemoryStore();
afterAll(async () => await store.close());

test('timers here have no unref', () => {
  const timer = setTimeout(() => {}, 0);
  expect(timer.unref).toBeUndefined();
});

test('a function runs once, and its duplicates wait for it', async () => {
  let runs = 0;
  const pay = makeIdempotent(
    async () => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { paid: true };
    },
    { store, scope: 'jsdom', key: (id) => id, onInProgress: { waitMs: 10_000 } },
  );
  expect(await Promise.all([pay('a'), pay('a'), pay('a')])).toEqual(Array(3).fill({ paid: true }));
  expect(runs).toBe(1);
});

test('a failure frees the key', async () => {
  const options = { store, scope: 'jsdom', key: 'failing' };
  await expect(executeIdempotently(() => Promise.reject(new Error('declined')), options)).rejects.toThrow('declined');
  expect(await executeIdempotently(() => Promise.resolve(1), options)).toMatchObject({ kind: 'executed', value: 1 });
});

test('a request runs once over HTTP', async () => {
  const app = express();
  let runs = 0;
  app.use(express.json(), idempotency({ store, scope: 'public' }));
  app.post('/pay', (_req, res) => {
    runs += 1;
    res.status(201).json({ paid: true });
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  expect([await post(server.address().port), await post(server.address().port)]).toEqual(
    Array(2).fill('201 {"paid":true}'),
  );
  expect(runs).toBe(1);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function post(port) {
  return new Promise((resolve, reject) => {
    const headers = { 'idempotency-key': 'k', 'content-type': 'application/json', 'content-length': 2 };
    const outgoing = request({ port, method: 'POST', path: '/pay', agent: false, headers }, (incoming) => {
      let text = '';
      incoming.on('data', (chunk) => {
        text += chunk;
      });
      incoming.on('end', () => resolve(`${incoming.statusCode} ${text}`));
    });
    outgoing.on('error', reject).end('{}');
  });
}
