// What the routes share: the store, who a request comes from, and the provider.
import { RedisStore } from '@onceguard/core/redis';
import { httpPaymentPolicy } from '@onceguard/web';
import { next } from '@onceguard/web/next';
import { Redis } from 'ioredis';
import { after } from 'next/server';

export interface User {
  readonly id: string;
}

/** What the wrapped handlers get: a request, and who it is from. */
export interface Authenticated {
  readonly request: Request;
  readonly user: User;
}

const { REDIS_URL: url = 'redis://127.0.0.1:6379', PREFIX: prefix = 'next-payments:' } = process.env;
// Connects with the first request: Next also loads the routes while it builds, where no Redis is.
const client = new Redis(url, { lazyConnect: true, enableOfflineQueue: false });

export const payments = {
  ...httpPaymentPolicy,
  ...next,
  store: new RedisStore({ client, prefix }),
  scope: ({ user }: Authenticated) => user.id,
  waitUntil: (work: Promise<unknown>) => after(work),
};

/** Stands for your sessions. */
async function currentUser(request: Request): Promise<User | null> {
  const id = request.headers.get('X-User');
  return id === null ? null : { id };
}

/** Authenticates before the wrapped handler runs: a replay runs nothing of that. */
export function authenticated(handler: (call: Authenticated) => Promise<Response>) {
  return async (request: Request): Promise<Response> => {
    const user = await currentUser(request);
    return user === null ? new Response(null, { status: 401 }) : await handler({ request, user });
  };
}

/** Stands for the API of a payment provider, which counts its charges in Redis. */
export async function charge(cents: number, idempotencyKey: string) {
  const number = await client.incr(`${prefix}charges`);
  return { id: `charge_${number}`, cents, key: idempotencyKey };
}
