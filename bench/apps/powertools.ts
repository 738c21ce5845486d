// @aws-lambda-powertools/idempotency around the handler, with its persistence layer for Redis, outside of Lambda.
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { CachePersistenceLayer } from '@aws-lambda-powertools/idempotency/cache';
import { createClient } from '@redis/client';
import type { RequestHandler } from 'express';
import { idempotencyKeyOf, type Order, pay, paymentsApp } from './payment.js';

interface Event {
  readonly headers: { readonly 'X-Idempotency-Key': string };
  readonly body: Order;
}

export async function powertoolsApp(redisUrl: string) {
  const client = await createClient({ url: redisUrl }).connect();
  const payOnce = makeIdempotent(async (event: Event, _context: object) => pay(event.body), {
    persistenceStore: new CachePersistenceLayer({ client }),
    config: new IdempotencyConfig({ eventKeyJmesPath: 'headers."X-Idempotency-Key"' }),
  });
  // Lambda's context; without the remaining time, the package prints a warning for every call.
  const context = { getRemainingTimeInMillis: () => 30_000 };

  const handler: RequestHandler = async (req, res) => {
    try {
      res
        .status(201)
        .json(await payOnce({ headers: { 'X-Idempotency-Key': idempotencyKeyOf(req) }, body: req.body }, context));
    } catch (error) {
      const isConflict = error instanceof Error && error.name === 'IdempotencyAlreadyInProgressError';
      res.status(isConflict ? 409 : 500).json({ error: String(error) });
    }
  };
  return paymentsApp(null, handler);
}
