// A program of docs/unknown-outcomes.md. What is between the marks is an exact copy: change both.
import { charge, provider, store } from '../application.js';

// #region snippet

import { done, makeIdempotent, notDone, stillUnknown } from '@onceguard/core';

const pay = makeIdempotent(charge, {
  store,
  scope: 'payments',
  key: ({ orderId }) => orderId,
  onFailure: 'unknown',
  onAbandoned: async ({ deriveKey }) => {
    const found = await provider.findCharge({ idempotencyKey: deriveKey('charge') });
    if (found === undefined) return notDone(); // the operation goes on from its recorded steps
    if (found.status === 'pending') return stillUnknown(60_000); // asked again in a minute at the earliest
    return done({ charge: found.id }); // recorded; every repeat gets it
  },
});

// #endregion

export { pay };
