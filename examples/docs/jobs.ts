// A program of docs/jobs.md. What is between the marks is an exact copy: change both.
import { CardRefused, type Order, provider, stock, store } from '../application.js';

// #region snippet

import { makeIdempotent } from '@onceguard/core';

const ship = makeIdempotent(
  async (order: Order, { step }) => {
    const parcel = await step('reserve', ({ key }) => stock.reserve(order.items, { idempotencyKey: key }));
    const charge = await step('charge', ({ key, signal }) =>
      provider.charge(order.cents, { idempotencyKey: key, signal }),
    );
    return { parcel: parcel.id, charge: charge.id };
  },
  { store, scope: 'orders', key: (order) => order.id, finalErrors: { CardRefused }, ttlMs: 14 * 86_400_000 },
);

// #endregion

export { ship };
