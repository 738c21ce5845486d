// A program of docs/steps.md. What is between the marks is an exact copy: change both.
import { executeIdempotently } from '@onceguard/core';
import {
  amount,
  items,
  mailer,
  orderId,
  provider as payments,
  receipt,
  stock,
  store,
  otherTenant as tenant,
} from '../application.js';

// #region snippet

const order = await executeIdempotently(
  async ({ step }) => {
    const hold = await step('reserve', ({ key, signal }) => stock.reserve(items, { idempotencyKey: key, signal }));
    const charge = await step('charge', ({ key }) => payments.charge(amount, { idempotencyKey: key }));
    await step('mail', () => mailer.send(receipt(charge)), { atMostOnce: true });
    return { hold: hold.id, charge: charge.id };
  },
  { store, scope: tenant, key: orderId },
);

// #endregion

export { order };
