// payments-process.ts <port> <prefix>: the payments API with its records in Redis. A charge is a line on standard output. The work takes as
// long as `ms` of the request says, so that the process can be killed within it.
import { setTimeout as pause } from 'node:timers/promises';
import { RedisStore } from '@onceguard/core/redis';
import { idempotency, idempotencyOf } from '@onceguard/express';
import express, { type Request, type Response } from 'express';

const [port = '', prefix = ''] = process.argv.slice(2);
const store = await RedisStore.connect({ url: process.env.REDIS_URL ?? '', prefix });
const app = express();
app.use(express.json());
app.post('/payments', idempotency({ store, scope: 'public', leaseMs: 4_000 }), async (req: Request, res: Response) => {
  console.log('begun');
  await pause(idempotencyOf(req).attempt === 1 ? req.body.ms : 0);
  console.log(`charged ${idempotencyOf(req).key}`);
  res.status(201).json({ amount: req.body.amount });
});
app.listen(Number(port), '127.0.0.1', () => console.log('listening'));
