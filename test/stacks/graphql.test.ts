// GraphQL responds with 200 where a resolver failed: classify says what that means for the key, and a charge is not
// repeated.
import { ApolloServer } from '@apollo/server';
import { expressMiddleware as apolloMiddleware } from '@as-integrations/express5';
import type { HttpContext, ResponseView } from '@onceguard/core/http';
import { httpPaymentPolicy } from '@onceguard/core/http';
import compression from 'compression';
import express from 'express';
import { GraphQLError } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import { serve } from '../../packages/testing/src/adapter-suite/app-server.js';
import type { Options } from '../../packages/testing/src/adapter-suite/framework.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { expressMiddleware } from '../adapters/registrations/express.js';
import { storeKinds } from '../adapters/store-kinds.js';

/** As `docs/http.md` shows it. */
const classify: NonNullable<Options['classify']> = (response) =>
  response.json<{ errors?: unknown }>()?.errors ? 'unknown' : undefined;

const typeDefs = 'type Query { balance: Int } type Mutation { pay(cents: Int!): String }';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

type Outcome = 'fails after the charge' | 'fails before the charge, and says so' | 'pays';

async function startApollo(kind: (typeof storeKinds)[number], options: Options, first: Outcome) {
  const { store, close } = await kind.open();
  let charges = 0;
  let calls = 0;
  const pay = (_root: unknown, _args: unknown, { idempotency }: { idempotency?: HttpContext | undefined }) => {
    const outcome = ++calls === 1 ? first : 'pays';
    if (outcome === 'fails before the charge, and says so') {
      idempotency?.markNothingHappened();
      throw new GraphQLError('The amount is too high.');
    }
    charges += 1;
    if (outcome === 'fails after the charge') throw new GraphQLError('The receipt could not be written.');
    return `charge ${charges}`;
  };
  const server = new ApolloServer<{ idempotency?: HttpContext | undefined }>({
    typeDefs,
    resolvers: { Mutation: { pay } },
  });
  await server.start();
  const app = express();
  app.use(express.json(), expressMiddleware(store, options), compression({ threshold: 0 }));
  app.use(apolloMiddleware(server, { context: async ({ req }) => ({ idempotency: req.idempotency }) }));
  const { port, close: stop } = await serve(app);
  open.push({ close }, { close: async () => await server.stop() }, { close: stop });
  const body = { query: 'mutation { pay(cents: 10) }' };
  const post = async (headers = {}) => await send(port, { key: 'payment-1', path: '/graphql', body, headers });
  return { post, charges: () => charges };
}

describe.each(storeKinds.map((kind) => ({ kind, store: kind.name })))(
  'Apollo Server on Express, $store:',
  ({ kind }) => {
    it.each([
      ['classify says unknown', { classify }],
      ['isFinal says false', { isFinal: (response: ResponseView) => !response.json<{ errors?: unknown }>()?.errors }],
    ])(
      'under httpPaymentPolicy, a mutation that failed after its charge does not run again where %s',
      async (_title, options) => {
        const { post, charges } = await startApollo(
          kind,
          { ...httpPaymentPolicy, ...options },
          'fails after the charge',
        );
        const first = await post();
        expect([first.status, first.json()]).toMatchObject([200, { data: { pay: null }, errors: [{}] }]);
        const retry = await post();
        expect([retry.status, retry.json().code]).toEqual([409, 'outcome_unknown']);
        expect(charges()).toBe(1);
      },
    );

    it('under httpPaymentPolicy, a mutation runs again whose resolver called markNothingHappened', async () => {
      const { post, charges } = await startApollo(
        kind,
        { ...httpPaymentPolicy, classify },
        'fails before the charge, and says so',
      );
      expect((await post()).json()).toMatchObject({ errors: [{ message: 'The amount is too high.' }] });
      expect((await post()).json()).toEqual({ data: { pay: 'charge 1' } });
      expect(charges()).toBe(1);
    });

    it('a response that is compressed inside of the middleware is classified by its decompressed body', async () => {
      const { post, charges } = await startApollo(kind, { ...httpPaymentPolicy, classify }, 'fails after the charge');
      const first = await post({ 'accept-encoding': 'gzip' });
      expect([first.status, first.headers['content-encoding']]).toEqual([200, 'gzip']);
      expect([(await post()).json().code, charges()]).toEqual(['outcome_unknown', 1]);
    });

    it('a mutation that paid is replayed', async () => {
      const { post, charges } = await startApollo(kind, { ...httpPaymentPolicy, classify }, 'pays');
      const [first, retry] = [await post(), await post()];
      expect([first.text, retry.text, charges()]).toEqual([retry.text, '{"data":{"pay":"charge 1"}}\n', 1]);
      expect(retry.headers['idempotent-replayed']).toBe('true');
    });

    it('without classify, a response with errors is replayed', async () => {
      const { post, charges } = await startApollo(kind, httpPaymentPolicy, 'fails after the charge');
      const [first, retry] = [await post(), await post()];
      expect([retry.text, retry.headers['idempotent-replayed'], charges()]).toEqual([first.text, 'true', 1]);
    });
  },
);
