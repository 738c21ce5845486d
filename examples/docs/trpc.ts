// The program of docs/guides/trpc.md. What is between the marks is an exact copy: change both.
import { provider, store } from '../application.js';
import { userIdOf } from '../web-application.js';

// #region snippet

import { httpPaymentPolicy, idempotencyOf, withIdempotency } from '@onceguard/web';
import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';

const t = initTRPC.context<{ request: Request }>().create();

const router = t.router({
  pay: t.procedure.mutation(async ({ ctx, path }) => {
    const { deriveKey } = idempotencyOf(ctx.request);
    return await provider.charge({ cents: 10 }, { idempotencyKey: deriveKey(path) });
  }),
});

export const handler = withIdempotency(
  async (request: Request) =>
    await fetchRequestHandler({ endpoint: '/trpc', req: request, router, createContext: () => ({ request }) }),
  { ...httpPaymentPolicy, store, scope: userIdOf },
);

// #endregion
