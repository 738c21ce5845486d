// A program of docs/operations.md. What is between the marks is an exact copy: change both.
import { store } from '../application.js';

const oldKeys = [
  { tenant: 'shop', key: 'order-1', result: { order: 1 } },
  { tenant: 'shop', key: 'order-2', result: { order: 2 } },
];

// #region snippet

import { executeIdempotently } from '@onceguard/core';

for (const { tenant, key, result } of oldKeys) {
  await executeIdempotently(() => result, { store, scope: tenant, key, operation: 'create-order' });
}

// #endregion

export { store };
