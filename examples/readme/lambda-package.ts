// The first snippet of packages/lambda/README.md. What is between the marks is an exact copy: change both.
import { provider } from '../application.js';

// #region snippet

import { RedisStore } from '@onceguard/core/redis';
import { httpPaymentPolicy, idempotencyOf, withIdempotency } from '@onceguard/lambda';
import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda';

const store = await RedisStore.connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');

export const handler = withIdempotency(
  async (event: APIGatewayProxyEventV2WithJWTAuthorizer) => {
    const { deriveKey } = idempotencyOf(event);
    const charge = await provider.charge(JSON.parse(event.body ?? ''), { idempotencyKey: deriveKey('charge') });
    return { statusCode: 201, body: JSON.stringify(charge) };
  },
  { ...httpPaymentPolicy, store, scope: (event) => String(event.requestContext.authorizer.jwt.claims.sub) },
);

// #endregion

export { store };
