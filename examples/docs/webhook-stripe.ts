// The snippet of docs/guides/webhooks.md, under "Stripe". What is between the marks is an exact copy: change both.
import { ledger, store } from '../application.js';

// #region snippet

import { idempotency, idempotencyOf } from '@onceguard/express';
import express from 'express';
import Stripe from 'stripe';

const stripe = new Stripe(process.env.STRIPE_API_KEY ?? 'sk_test_none');
const app = express();

const verifyStripe: express.RequestHandler = (req, res, next) => {
  try {
    const secret = process.env.STRIPE_WEBHOOK_SECRET ?? '';
    req.body = stripe.webhooks.constructEvent(req.body, req.get('Stripe-Signature') ?? '', secret);
    next();
  } catch {
    res.status(400).send('The signature is not valid.');
  }
};

app.post(
  '/webhooks/stripe',
  express.raw({ type: 'application/json' }), // the signature covers the bytes
  verifyStripe,
  idempotency({
    store,
    scope: () => 'stripe',
    key: (req) => (req.body as Stripe.Event).id,
    fingerprint: ({ body: { id, type, data } }) => JSON.stringify({ id, type, data }), // without pending_webhooks
    ttlMs: 7 * 86_400_000, // Stripe delivers again for 3 days
  }),
  async (req, res) => {
    const event: Stripe.Event = req.body;
    if (event.type === 'payment_intent.succeeded') await ledger.add(event, idempotencyOf(req).deriveKey('entry'));
    res.sendStatus(200);
  },
);

// #endregion

export { app, stripe };
