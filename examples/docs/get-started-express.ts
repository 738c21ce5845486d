// The snippet of docs/get-started.md, under "Express". What is between the marks is an exact copy: change both.
import { authenticateExpress as authenticate, mayPay, provider } from '../application.js';

// #region snippet

import { MemoryStore } from '@onceguard/core';
import { httpPaymentPolicy, idempotency, idempotencyOf, keepRawBody } from '@onceguard/express';
import express from 'express';

const store = new MemoryStore(); // one process; several: await RedisStore.connect('redis://…')
const app = express();
app.use(authenticate, express.json({ verify: keepRawBody }));

app.post(
  '/payments',
  mayPay,
  idempotency({ ...httpPaymentPolicy, store, scope: (req) => req.user.id }),
  async (req, res) => {
    const { deriveKey, signal } = idempotencyOf(req);
    const charge = await provider.charge(req.body.amount, { idempotencyKey: deriveKey('charge'), signal });
    res.status(201).json(charge);
  },
);

// #endregion

export { app };
