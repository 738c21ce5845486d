// The snippet of packages/web/README.md. What is between the marks is an exact copy: change both.
import { provider } from '../application.js';
import { type Authenticated, authenticate } from '../web-application.js';

// #region snippet

import { RedisStore } from '@onceguard/core/redis';
import { httpPaymentPolicy, idempotencyOf, withIdempotency } from '@onceguard/web';

const store = await RedisStore.connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');

const pay = withIdempotency(
  async ({ request }: Authenticated) => {
    const { deriveKey } = idempotencyOf(request);
    const charge = await provider.charge(await request.json(), { idempotencyKey: deriveKey('charge') });
    return Response.json(charge, { status: 201 });
  },
  { ...httpPaymentPolicy, store, required: true, scope: ({ user }) => user.id },
);

export async function POST(request: Request): Promise<Response> {
  const user = await authenticate(request);
  return user === null ? new Response(null, { status: 401 }) : await pay({ request, user });
}

// #endregion

export { store };
