// A payment endpoint on Express, with the strict settings for money. In the folder examples, after npm run build:
//
//   PORT=3000 npx tsx express-payments/index.ts
//   curl -i localhost:3000/payments -H 'Authorization: Bearer alice-token' -H 'Content-Type: application/json' \
//     -H 'Idempotency-Key: order-17' -d '{"amount":20}'
import { MemoryStore } from '@onceguard/core';
import { httpPaymentPolicy, idempotency, idempotencyOf, keepRawBody } from '@onceguard/express';
import express, { type NextFunction, type Request, type Response } from 'express';

// One process: the memory store. Several: RedisStore.connect('redis://…') of @onceguard/core/redis.
const store = new MemoryStore();
const users = new Map([
  ['Bearer alice-token', 'user_alice'],
  ['Bearer bob-token', 'user_bob'],
]);
let charges = 0;

function authenticate(req: Request, res: Response, next: NextFunction): void {
  const user = users.get(req.get('Authorization') ?? '');
  if (user === undefined) {
    res.status(401).json({ error: 'Who are you?' });
    return;
  }
  res.locals.user = user;
  next();
}

const payers = new Set(['user_alice', 'user_bob']);

/** Mounted before idempotency(): a replay runs nothing after it, and must not reach a user whose rights were revoked. */
function mayPay(_req: Request, res: Response, next: NextFunction): void {
  if (payers.has(res.locals.user)) next();
  else res.status(403).json({ error: 'You may not pay.' });
}

const app = express();
app.use(authenticate);
// Keeps the source of the body, so that amounts are compared digit by digit.
app.use(express.json({ verify: keepRawBody }));

app.post(
  '/payments',
  mayPay,
  // The scope is the user, who stays the same when the token is refreshed. Never use the token.
  idempotency({ ...httpPaymentPolicy, store, scope: (req) => req.res?.locals.user }),
  async (req, res) => {
    const payment = idempotencyOf(req);
    if (typeof req.body.amount !== 'number') {
      res.status(400).json({ error: 'amount must be a number' });
      return;
    }
    const charge = await chargeCard(req.body.amount, payment.deriveKey('charge'), payment.signal);
    res.status(201).location(`/payments/${charge.id}`).json(charge);
  },
);

/** Stands for the call of a payment provider. Pass on the derived key, so that the provider recognises a repeat. */
async function chargeCard(amount: number, idempotencyKey: string, signal: AbortSignal) {
  signal.throwIfAborted();
  charges += 1;
  return { id: `charge_${charges}`, amount, idempotencyKey };
}

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  const address = server.address();
  console.log(`Listening on port ${typeof address === 'object' ? address?.port : address}`);
});
