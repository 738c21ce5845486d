// The program of docs/guides/graphql.md. What is between the marks is an exact copy: change both.
import { provider, store } from '../application.js';
import { userIdOf } from '../web-application.js';

// #region snippet

import { httpPaymentPolicy, idempotencyOf, withIdempotency } from '@onceguard/web';
import { createSchema, createYoga } from 'graphql-yoga';

const schema = createSchema<{ request: Request }>({
  typeDefs: `
    type Query { currencies: [String!]! }
    type Mutation { pay(cents: Int!): String }
  `,
  resolvers: {
    Query: { currencies: () => ['EUR', 'USD'] },
    Mutation: {
      pay: async (_root, { cents }, { request }) => {
        const { deriveKey } = idempotencyOf(request);
        const charge = await provider.charge({ cents }, { idempotencyKey: deriveKey('charge') });
        return charge.id;
      },
    },
  },
});
const yoga = createYoga({ schema, logging: false });

export const handler = withIdempotency(async (request: Request) => await yoga.fetch(request), {
  ...httpPaymentPolicy,
  store,
  scope: userIdOf,
  classify: (response) => (response.json<{ errors?: unknown }>()?.errors ? 'unknown' : undefined),
});

// #endregion
