// A program of docs/testing.md. What is between the marks is an exact copy: change both.
// node:test waits for its tests by itself.
// oxlint-disable typescript/no-floating-promises

// #region snippet

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore, makeIdempotent } from '@onceguard/core';
import { FaultStore, failsAfter, failsBefore } from '@onceguard/testing';

let charges = 0;
const charge = (order: string) => ({ order, charge: ++charges });
const payingWith = (store: FaultStore) => makeIdempotent(charge, { store, scope: 'shop', key: (order) => order });

test('the reply to the recording is lost: nobody is charged twice', async () => {
  const store = new FaultStore(new MemoryStore());
  store.injectFault('complete', failsAfter, 1); // the first call of complete
  const pay = payingWith(store);
  assert.deepEqual(await pay('order-1'), await pay('order-1'));
  assert.equal(charges, 1);
});

test('the store is down: nobody is charged', async () => {
  const store = new FaultStore(new MemoryStore());
  store.injectFault('acquire', failsBefore()); // every call
  await assert.rejects(payingWith(store)('order-2'), { code: 'store_unavailable' });
  assert.equal(charges, 1);
});

// #endregion
