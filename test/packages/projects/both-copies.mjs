// Loads the packages twice, as ESM and as CommonJS: errors and stores of one are known to the other.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import * as esm from '@onceguard/core';
import { idempotency } from '@onceguard/express';
import express from 'express';

const cjs = createRequire(import.meta.url)('@onceguard/core');
assert.notEqual(cjs.IdempotencyError, esm.IdempotencyError, 'these are to be two copies');

/** One of each, made by a copy. */
const errorsOf = (copy) => [
  new copy.InProgressError(1),
  new copy.KeyReusedError(),
  new copy.OutcomeUnknownError(null),
  new copy.ResponseExpiredError(0),
  new copy.LeaseLostError('it was taken over'),
  new copy.ConfigurationError('option_invalid', 'leaseMs'),
  new copy.StoreError('unavailable', 'away'),
];

for (const [maker, judge] of [
  [esm, cjs],
  [cjs, esm],
]) {
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

// A closed store of the CommonJS copy refuses with its StoreError; the adapter of the ESM copy must see what it is.
const store = new cjs.MemoryStore();
await store.close();
const app = express();
app.post('/', idempotency({ store, scope: 'public' }), (_req, res) => res.sendStatus(200));
const server = createServer(app).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers: { 'Idempotency-Key': 'a' } });
assert.equal(answer.status, 503);
assert.equal((await answer.json()).code, 'store_unavailable');
server.closeAllConnections();
server.close();
