// A program of docs/unknown-outcomes.md. What is between the marks is an exact copy: change both.
import { charge, provider, store } from '../application.js';

// #region snippet

import { makeIdempotent, recovery } from '@onceguard/core';

const pay = makeIdempotent(charge, {
  store,
  scope: 'payments',
  key: ({ orderId }) => orderId,
  onFailure: 'unknown',
  onAbandoned: async ({ deriveKey }) => {
    const found = await provider.findCharge({ idempotencyKey: deriveKey('charge') });
    if (found === undefined) return recovery.notDone(); // the operation goes on from its recorded steps
    if (found.status === 'pending') return recovery.stillUnknown(60_000); // asked again in a minute at the earliest
    return recovery.done({ charge: found.id }); // recorded; every repeat gets it
  },
});

// #endregion

export { pay };
