// The payments API of the demo: an application that uses onceguard.
import type { IdempotencyStore } from '@onceguard/core';
import { idempotency, idempotencyOf } from '@onceguard/express';
import express, { type Express } from 'express';

export function paymentsApi(store: IdempotencyStore, bankUrl: string, leaseMs = 30_000): Express {
  const app = express();
  app.use(express.json());
  app.post(
    '/payments',
    idempotency({
      store,
      // A real application takes the id of its authenticated user.
      scope: (req) => req.get('X-User') ?? 'demo',
      required: true,
      leaseMs,
      onInProgress: { waitMs: 10_000 },
    }),
    async (req, res) => {
      const payment = idempotencyOf(req);
      const charged = await fetch(bankUrl, {
        method: 'POST',
        headers: { 'Idempotency-Key': payment.deriveKey('charge') },
      });
      if (!charged.ok) {
        res.status(502).json({ error: 'The bank did not take the payment. Nothing was charged; try again.' });
        return;
      }
      res.status(201).json({ amount: req.body.amount, receipt: await charged.text() });
    },
  );
  return app;
}
