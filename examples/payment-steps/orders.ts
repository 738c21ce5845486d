// The orders API: it calls four systems for one order, and each does its part once, wherever the server dies.
import type { IdempotencyStore } from '@onceguard/core';
import { httpPaymentPolicy, idempotency, idempotencyOf, keepRawBody } from '@onceguard/express';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { killableStep } from './kill-points.js';
import { orderResponse } from './order-response.js';
import { recover } from './recover.js';
import type { Systems } from './systems.js';

export interface OrdersOptions {
  readonly store: IdempotencyStore;
  readonly systems: Systems;
  /** Called with what `recover` found out about an order. */
  readonly onRecovered: (order: string, found: string) => void;
}

export function ordersApi({ store, systems, onRecovered }: OrdersOptions): Express {
  const app = express();
  app.use(express.json({ verify: keepRawBody }));

  app.post(
    '/orders',
    idempotency({
      ...httpPaymentPolicy,
      store,
      // A real shop takes the id of its authenticated user.
      scope: (req) => req.get('X-User') ?? 'demo',
      // Short, so that the demo does not take long. Leave it out in production: the default is 30 seconds.
      leaseMs: 1_000,
      onInProgress: { waitMs: 10_000 },
      onAbandoned: async (context, req) => {
        const recovery = await recover(context, req.body.order, systems);
        onRecovered(req.body.order, recovery.found);
        return recovery;
      },
    }),
    async (req, res) => {
      const { order, cents } = req.body;
      // In production: const { step } = idempotencyOf(req);
      const step = killableStep(idempotencyOf(req).step, req.get('X-Die'));

      // Three systems honour a key. They get one, and may safely be called again with it.
      const reservation = await step('reserve', ({ key }) => systems.reserve(order, key));
      const charge = await step('charge', ({ key, signal }) => systems.charge(order, cents, key, signal));
      const shipment = await step('ship', ({ key }) => systems.ship(order, key));
      // The mailer does not, so it is called at most once. It comes last: if it is in doubt, everything else is known to be done.
      await step('mail', () => systems.mail(order), { atMostOnce: true });

      const { status, headers, body } = orderResponse({ order, reservation, charge, shipment });
      res.status(status).set(headers).send(body);
    },
  );

  app.use(handleError);
  return app;
}

/** The outcome is now unknown, and `recover` runs before anything is tried again. */
function handleError(error: Error, _req: Request, res: Response, next: NextFunction): void {
  if (res.headersSent) next(error);
  else res.status(502).json({ error: 'Something did not answer. Send the same request again, with the same key.' });
}
