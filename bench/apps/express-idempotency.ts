// express-idempotency with its Redis adapter, as its documentation shows it.

import type { RequestHandler } from 'express';
import { getSharedIdempotencyService, type IIdempotencyDataAdapter, idempotency } from 'express-idempotency';
import adapter from 'express-idempotency-redis-adapter';
import { handlePayment, paymentsApp } from './payment.js';

export async function expressIdempotencyApp(redisUrl: string) {
  const dataAdapter = new adapter.default({ connectionConfig: { url: redisUrl } });
  await dataAdapter.connect();
  // The adapter's types differ from the interface by a member that may be undefined.
  return paymentsApp(idempotency({ dataAdapter: dataAdapter as IIdempotencyDataAdapter }), unlessReplayed);
}

/** The middleware calls the route after a replay too; the route has to check. */
const unlessReplayed: RequestHandler = (req, res, next) => {
  if (!getSharedIdempotencyService().isHit(req)) handlePayment(req, res, next);
};
