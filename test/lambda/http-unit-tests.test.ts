// What unit tests of a handler may rely on.
import { MemoryStore } from '@onceguard/core';
import { withIdempotency } from '@onceguard/lambda';
import { expect, test } from 'vitest';
import { contextOf, type TestEvent, v2 } from './http-events.js';

test('Without a context, as in unit tests, the lease is that of the options', async () => {
  const wrapped = withIdempotency(async (_event: TestEvent) => ({ statusCode: 201 }), {
    store: new MemoryStore(),
    scope: 'public',
  });
  expect(await wrapped(v2.event({ key: 'k' }), undefined as never)).toEqual({ statusCode: 201 });
});

test('One event object may be sent again and again', async () => {
  let runs = 0;
  const handler = async (_event: TestEvent) => {
    runs += 1;
    return { statusCode: 201, body: 'paid' };
  };
  const wrapped = withIdempotency(handler, { store: new MemoryStore(), scope: 'public' });
  const event = v2.event({ key: 'k' });
  for (const _ of [1, 2, 3]) expect(await wrapped(event, contextOf())).toMatchObject({ statusCode: 201, body: 'paid' });
  expect(runs).toBe(1);
});
