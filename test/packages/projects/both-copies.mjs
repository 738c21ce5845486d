// Several copies of the packages in one process, ESM, CommonJS and the errors of an older version: each knows the errors and
// the stores of the others.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import * as esm from '@onceguard/core';
import * as esmExpress from '@onceguard/express';
import express from 'express';
import * as older from './errors-0.1.0.mjs';

const require = createRequire(import.meta.url);
const cjs = require('@onceguard/core');
const cjsExpress = require('@onceguard/express');
const copies = [esm, cjs, older];
assert.equal(
  new Set(copies.map((copy) => copy.IdempotencyError)).size,
  copies.length,
  'these are to be several copies',
);

/** One of each, made by a copy. */
const errorsOf = (copy) => [
  new copy.InProgressError(1),
  new copy.KeyReusedError(),
  new copy.OutcomeUnknownError(null),
  new copy.OutcomeExpiredError(0),
  new copy.LeaseLostError('it was taken over'),
  new copy.ConfigurationError('option_invalid', 'leaseMs'),
  new copy.StoreError('unavailable', 'away'),
];

for (const [maker, judge] of copies.flatMap((one) => copies.map((other) => [one, other]))) {
  const errors = errorsOf(maker);
  for (const error of errors) {
    assert(error instanceof judge.IdempotencyError, `${error.name} is an IdempotencyError`);
    const classes = errors.map(({ name }) => name).filter((name) => error instanceof judge[name]);
    assert.deepEqual(classes, [error.name]);
  }
  for (const other of [new Error('other'), null, 'other', { code: 'key_reused' }]) {
    assert(!(other instanceof judge.IdempotencyError), 'what is no error of ours is not taken for one');
  }
}

// The store of one copy, the adapter of the other: one execution, its replay, and the right refusals.
for (const [maker, adapter] of [
  [cjs, esmExpress],
  [esm, cjsExpress],
]) {
  const store = new maker.MemoryStore();
  let runs = 0;
  const count = () => {
    runs += 1;
  };
  await onServer(adapter, store, count, async (pay) => {
    assert.deepEqual([await pay('1'), await pay('1'), await pay('2')], ['201', '201 replayed', '422 key_reused']);
    assert.equal(runs, 1);
    await store.close();
    assert.equal(await pay('3'), '503 store_unavailable');
    assert.equal(runs, 1);
  });
}

// A store that fails with the error of the older version.
const failing = new esm.MemoryStore();
failing.acquire = () => Promise.reject(new older.StoreError('misconfigured', 'away'));
await onServer(
  esmExpress,
  failing,
  () => assert.fail('it ran'),
  async (pay) => assert.equal(await pay('1'), '503 store_unavailable'),
);

async function onServer({ idempotency, keepRawBody }, store, run, use) {
  const app = express();
  app.use(express.json({ verify: keepRawBody }));
  app.post('/', idempotency({ store, scope: 'public' }), (_req, res) => {
    run();
    res.status(201).json({ paid: true });
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await use(async (amount) => {
    const headers = { 'Idempotency-Key': 'a', 'Content-Type': 'application/json' };
    const body = JSON.stringify({ amount });
    const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers, body });
    const { code } = await answer.json();
    const replayed = answer.headers.has('Idempotent-Replayed') ? 'replayed' : '';
    return `${answer.status} ${code ?? replayed}`.trim();
  });
  server.closeAllConnections();
  server.close();
}
