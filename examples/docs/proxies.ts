// The snippet of docs/guides/proxies.md. What is between the marks is an exact copy: change both.
import { authenticateExpress as authenticate, provider, store } from '../application.js';

// #region snippet

import { httpPaymentPolicy, idempotency, idempotencyOf } from '@onceguard/express';
import express from 'express';

const app = express();
app.use(authenticate, express.json());

app.post(
  '/payments',
  idempotency({ ...httpPaymentPolicy, store, scope: (req) => req.user.id, onInProgress: { waitMs: 50_000 } }),
  async (req, res) => {
    const { deriveKey, signal } = idempotencyOf(req);
    res.status(201).json(await provider.charge(req.body, { idempotencyKey: deriveKey('charge'), signal }));
  },
);

// #endregion

export { app };
