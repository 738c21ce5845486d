// The limit: what two Redis commands cost alone. It checks nothing, and a crash leaves its key claimed.
import type { RequestHandler } from 'express';
import { Redis } from 'ioredis';
import { isRepeated } from '../keys.js';
import { idempotencyKeyOf, pay, paymentsApp } from './payment.js';

const dayMs = 86_400_000;
const inProgress = '-';

export async function limitApp(redisUrl: string, enableAutoPipelining: boolean) {
  const redis = new Redis(redisUrl, { enableAutoPipelining });
  await redis.ping();
  return paymentsApp(null, guarded(redis));
}

function guarded(redis: Redis): RequestHandler {
  return async (req, res) => {
    const key = `limit:${idempotencyKeyOf(req)}`;
    const respond = (text: string) => res.status(201).type('json').send(text);

    // A real server cannot know this; here it does, so that a replay costs one command.
    const known = isRepeated(idempotencyKeyOf(req)) ? await redis.get(key) : null;
    if (known !== null) return void respond(known);

    if ((await redis.set(key, inProgress, 'PX', dayMs, 'NX')) === null) {
      const recorded = await redis.get(key);
      if (recorded === null || recorded === inProgress) return void res.status(409).json({ error: 'in progress' });
      return void respond(recorded);
    }
    const payment = JSON.stringify(pay(req.body));
    await redis.set(key, payment, 'PX', dayMs);
    respond(payment);
  };
}
