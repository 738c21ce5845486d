// The snippet of docs/guides/timeouts.md. What is between the marks is an exact copy: change both.
import { authenticateExpress as authenticate, provider, store } from '../application.js';

// #region snippet

import { httpPaymentPolicy, idempotency, idempotencyOf } from '@onceguard/express';
import express from 'express';

const app = express();
app.use(authenticate, express.json());

app.post('/payments', idempotency({ ...httpPaymentPolicy, store, scope: (req) => req.user.id }), async (req, res) => {
  const { deriveKey, signal } = idempotencyOf(req);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(8_000)]); // limits the work, not the response
  res.status(201).json(await provider.charge(req.body, { idempotencyKey: deriveKey('charge'), signal: limit }));
});

// #endregion

export { app };
