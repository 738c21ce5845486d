// withIdempotency() around the fetch handlers of other libraries: Elysia, graphql-yoga, tRPC.
import { MemoryStore } from '@onceguard/core';
import { httpPaymentPolicy, idempotencyOf, withIdempotency } from '@onceguard/web';
import { initTRPC, TRPCError } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { Elysia } from 'elysia';
import { createSchema, createYoga } from 'graphql-yoga';
import { afterEach, expect, test } from 'vitest';

const stores: MemoryStore[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

function options() {
  const store = new MemoryStore();
  stores.push(store);
  return { ...httpPaymentPolicy, store, scope: 'public' as const };
}

const requestOf = (path: string, body: unknown) =>
  new Request(`http://shop.example${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'k' },
    body: JSON.stringify(body),
  });

const replayed = (response: Response) => response.headers.get('Idempotent-Replayed');

test.each([
  ['that Elysia does not parse', { parse: 'none' as const }],
  ['that Elysia has parsed, by parsedBody', { parse: 'json' as const }],
])('Elysia: a route gets the body %s, and is called once', async (_title, hook) => {
  let runs = 0;
  const pay = withIdempotency(
    async ({ request, body }: { request: Request; body: unknown }) => {
      runs += 1;
      return Response.json(body ?? (await request.json()));
    },
    { ...options(), parsedBody: ({ body }) => body },
  );
  const app = new Elysia().post('/payments', pay, hook);
  const send = async (cents: number) => await app.handle(requestOf('/payments', { cents }));
  expect(await (await send(10)).json()).toEqual({ cents: 10 });
  expect([replayed(await send(10)), (await send(11)).status, runs]).toEqual(['true', 422, 1]);
});

test('graphql-yoga: mutations have a record, queries are skipped, and errors with status 200 leave the outcome unknown', async () => {
  let charges = 0;
  const typeDefs = 'type Query { balance: Int } type Mutation { pay: Int, fail: Int }';
  const resolvers = {
    Query: { balance: () => charges },
    Mutation: {
      pay: () => ++charges,
      fail: () => {
        charges += 1;
        throw new Error('The receipt could not be written.');
      },
    },
  };
  const yoga = createYoga({ logging: false, schema: createSchema({ typeDefs, resolvers }) });
  const isQuery = async (request: Request) => {
    const { query } = (await request.clone().json()) as { query: string };
    return !/^\s*mutation\b/.test(query);
  };
  const handle = withIdempotency(async (request: Request) => await yoga.fetch(request), {
    ...options(),
    skip: isQuery,
    classify: (response) => (response.json<{ errors?: unknown }>()?.errors ? 'unknown' : undefined),
  });
  const send = async (query: string) => await handle(requestOf('/graphql', { query }));
  expect(await (await send('mutation { pay }')).json()).toEqual({ data: { pay: 1 } });
  expect([replayed(await send('mutation { pay }')), charges]).toEqual(['true', 1]);
  expect(replayed(await send('{ balance }'))).toBeNull();
});

test('graphql-yoga: a mutation that failed after its charge does not run again', async () => {
  let charges = 0;
  const resolvers = {
    Mutation: {
      pay: () => {
        charges += 1;
        throw new Error('The receipt could not be written.');
      },
    },
  };
  const typeDefs = 'type Query { balance: Int } type Mutation { pay: Int }';
  const yoga = createYoga({ logging: false, schema: createSchema({ typeDefs, resolvers }) });
  const handle = withIdempotency(async (request: Request) => await yoga.fetch(request), {
    ...options(),
    classify: (response) => (response.json<{ errors?: unknown }>()?.errors ? 'unknown' : undefined),
  });
  const send = async () => await handle(requestOf('/graphql', { query: 'mutation { pay }' }));
  expect([(await send()).status, (await send()).status, charges]).toEqual([200, 409, 1]);
});

test('tRPC: a batch of calls is one operation, and a call finds the context by the request', async () => {
  const t = initTRPC.context<{ request: Request }>().create();
  const keys: string[] = [];
  const router = t.router({
    pay: t.procedure.mutation(({ ctx }) => {
      keys.push(idempotencyOf(ctx.request).deriveKey('charge'));
      return keys.length;
    }),
    refuse: t.procedure.mutation(() => {
      throw new TRPCError({ code: 'CONFLICT' });
    }),
  });
  const handle = withIdempotency(
    async (request: Request) =>
      await fetchRequestHandler({ endpoint: '/trpc', req: request, router, createContext: () => ({ request }) }),
    options(),
  );
  const send = async () => await handle(requestOf('/trpc/pay,pay?batch=1', { 0: null, 1: null }));
  const [first, repeat] = [await send(), await send()];
  expect([replayed(first), replayed(repeat), keys.length]).toEqual([null, 'true', 2]);
  expect(await repeat.text()).toBe(await first.text());
  const refused = async () => await handle(requestOf('/trpc/refuse', null));
  expect([(await refused()).status, replayed(await refused())]).toEqual([409, 'true']);
});
