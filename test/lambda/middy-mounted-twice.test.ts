// A handler that two wrappers or middlewares protect.
import middy from '@middy/core';
import { MemoryStore } from '@onceguard/core';
import { type IdempotencyOptions, withIdempotency } from '@onceguard/lambda';
import { idempotency } from '@onceguard/lambda/middy';
import { describe, expect, test, vi } from 'vitest';
import { contextOf, type TestEvent, v2 } from './http-events.js';

describe('Mounted twice, the outer one acts', () => {
  const options: IdempotencyOptions<TestEvent> = { store: new MemoryStore(), scope: 'public' };
  const handler = vi.fn(async (_event: TestEvent) => ({ statusCode: 201, body: 'paid' }));
  const applications = {
    'two middlewares': () =>
      middy(handler)
        .use(idempotency(options) as middy.MiddlewareObj)
        .use(idempotency(options) as middy.MiddlewareObj),
    'a wrapped handler under the middleware': () =>
      middy(withIdempotency(handler, options)).use(idempotency(options) as middy.MiddlewareObj),
    'middy in a wrapper': () =>
      withIdempotency(
        middy(handler).use(idempotency(options) as middy.MiddlewareObj) as unknown as typeof handler,
        options,
      ),
  };

  test.each(Object.entries(applications))('%s', async (name, create) => {
    handler.mockClear();
    const app = create() as (event: TestEvent, context: unknown) => Promise<unknown>;
    for (const _ of [1, 2])
      expect(await app(v2.event({ key: name.replaceAll(' ', '-') }), contextOf())).toMatchObject({ statusCode: 201 });
    expect(handler).toHaveBeenCalledTimes(1);
  });
});
