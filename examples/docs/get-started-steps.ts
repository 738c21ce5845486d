// The snippet of docs/get-started.md, under "Work that calls several systems". What is between the marks is an exact copy: change both.
import { executeIdempotently } from '@onceguard/core';
import { amount, items, mailer, orderId, provider, receipt, stock, store, tenant } from '../application.js';

// #region snippet

const order = await executeIdempotently(
  async ({ step }) => {
    const hold = await step('reserve', ({ key }) => stock.reserve(items, { idempotencyKey: key }));
    const charge = await step('charge', ({ key, signal }) => provider.charge(amount, { idempotencyKey: key, signal }));
    await step('mail', () => mailer.send(receipt(charge)), { atMostOnce: true }); // a system that honours no keys
    return { hold: hold.id, charge: charge.id };
  },
  { store, scope: tenant, key: orderId },
);

// #endregion

export { order };
