// The snippet of packages/testing/README.md. What is between the marks is an exact copy: change both.

// #region snippet

import assert from 'node:assert/strict';
import { MemoryStore, makeIdempotent } from '@onceguard/core';
import { FaultStore, failsAfter } from '@onceguard/testing';

let charges = 0;
const store = new FaultStore(new MemoryStore());
const charge = (order: string) => ({ order, charge: ++charges });
const pay = makeIdempotent(charge, { store, scope: 'shop', key: (order) => order });

store.injectFault('complete', failsAfter, 1); // the first outcome is recorded, and the reply is lost
await pay('order-1');
await pay('order-1'); // the recorded result
assert.equal(charges, 1);

// #endregion

export { charges };
