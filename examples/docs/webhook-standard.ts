// The snippet of docs/guides/webhooks.md, under "Standard Webhooks". What is between the marks is an exact copy: change both.
import { ledger, store } from '../application.js';

// #region snippet

import { idempotency, idempotencyOf } from '@onceguard/express';
import express from 'express';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET ?? 'whsec_c2VjcmV0');
const app = express();

const verify: express.RequestHandler = (req, res, next) => {
  try {
    req.body = webhook.verify(req.body, req.headers as Record<string, string>);
    next();
  } catch {
    res.status(400).send('The signature is not valid.');
  }
};

app.post(
  '/webhooks/orders',
  express.raw({ type: 'application/json' }),
  verify,
  idempotency({
    store,
    scope: () => 'orders',
    key: (req) => req.get('webhook-id'), // the same in every delivery; webhook-timestamp and webhook-signature are not
    ttlMs: 7 * 86_400_000,
  }),
  async (req, res) => {
    await ledger.add(req.body.data, idempotencyOf(req).deriveKey('entry'));
    res.sendStatus(204);
  },
);

// #endregion

export { app };
