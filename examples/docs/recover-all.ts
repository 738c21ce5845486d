// A program of docs/unknown-outcomes.md. What is between the marks is an exact copy: change both.
import { provider, store } from '../application.js';

// #region snippet

import { recoverAll, recovery } from '@onceguard/core';

const summary = await recoverAll(store, {
  recover: async ({ deriveKey }) => {
    const found = await provider.findCharge({ idempotencyKey: deriveKey('charge') });
    return found === undefined ? recovery.notDone() : recovery.done({ charge: found.id });
  },
  limit: 1_000, // about how many it recovers; the next call continues at summary.cursor
});

// { done: 3, notDone: 1, stillUnknown: 0, handledElsewhere: 0, skipped: 0, failed: [], cursor: null }

// #endregion

export { summary };
