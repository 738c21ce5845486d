// The limit: what two Redis commands cost alone. It checks nothing, and a crash leaves its key claimed.
import { createClient } from '@redis/client';
import type { RequestHandler } from 'express';
import { Redis } from 'ioredis';
import { isRepeated } from '../keys.js';
import { idempotencyKeyOf, pay, paymentsApp } from './payment.js';

const dayMs = 86_400_000;
const inProgress = '-';

/** The two commands, by whichever client. */
interface Commands {
  get(key: string): Promise<string | null>;
  /** `SET NX PX`. Null if the key is taken. */
  claim(key: string): Promise<unknown>;
  /** `SET PX`. */
  record(key: string, text: string): Promise<unknown>;
}

export async function limitApp(redisUrl: string, enableAutoPipelining: boolean) {
  const redis = new Redis(redisUrl, { enableAutoPipelining });
  await redis.ping();
  return guardedApp({
    get: (key) => redis.get(key),
    claim: (key) => redis.set(key, inProgress, 'PX', dayMs, 'NX'),
    record: (key, text) => redis.set(key, text, 'PX', dayMs),
  });
}

/** The same on node-redis, which sends the commands of one tick together. */
export async function limitOnNodeRedis(redisUrl: string) {
  const redis = await createClient({ url: redisUrl }).connect();
  const expiration = { type: 'PX', value: dayMs } as const;
  return guardedApp({
    get: (key) => redis.get(key),
    claim: (key) => redis.set(key, inProgress, { expiration, condition: 'NX' }),
    record: (key, text) => redis.set(key, text, { expiration }),
  });
}

function guardedApp(redis: Commands) {
  return paymentsApp(null, guarded(redis));
}

function guarded({ get, claim, record }: Commands): RequestHandler {
  return async (req, res) => {
    const key = `limit:${idempotencyKeyOf(req)}`;
    const respond = (text: string) => res.status(201).type('json').send(text);

    // A real server cannot know this; here it does, so that a replay costs one command.
    const known = isRepeated(idempotencyKeyOf(req)) ? await get(key) : null;
    if (known !== null) return void respond(known);

    if ((await claim(key)) === null) {
      const recorded = await get(key);
      if (recorded === null || recorded === inProgress) return void res.status(409).json({ error: 'in progress' });
      return void respond(recorded);
    }
    const payment = JSON.stringify(pay(req.body));
    await record(key, payment);
    respond(payment);
  };
}
