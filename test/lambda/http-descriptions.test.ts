// What the record of an HTTP event says about it: the route of API Gateway as the operation, and the trace.
import { lookup, MemoryStore } from '@onceguard/core';
import { withIdempotency } from '@onceguard/lambda';
import { expect, test } from 'vitest';
import { alb, contextOf, type EventKind, type EventSpec, eventKinds, v1, v2 } from './http-events.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** The record of an event with these members. */
async function recordOf(kind: EventKind, members: object, spec: EventSpec = {}) {
  const store = new MemoryStore();
  const pay = withIdempotency(async (_event: object & { requestContext: object }) => ({ statusCode: 201 }), {
    store,
    scope: 'public',
  });
  await pay({ ...kind.event({ key: 'k', path: '/payments/42', ...spec }), ...members }, contextOf());
  return await lookup(store, { scope: 'public', key: 'k', method: 'POST', path: '/payments/42' });
}

test.each<[string, EventKind, object, string]>([
  ['a route of an HTTP API', v2, { routeKey: 'POST /payments/{id}' }, 'POST /payments/{id}'],
  ['a route for any method', v2, { routeKey: 'ANY /{proxy+}' }, 'POST /{proxy+}'],
  ['the default route of an HTTP API, and a function URL', v2, { routeKey: '$default' }, 'POST *'],
  ['a resource of a REST API', v1, { resource: '/payments/{id}' }, 'POST /payments/{id}'],
  ['the default route with payload format 1.0', v1, { resource: '/$default' }, 'POST *'],
  ['a load balancer, which has no routes', alb, {}, 'POST *'],
])('the operation is the method and the route: %s', async (_, kind, members, operation) => {
  expect(await recordOf(kind, members)).toMatchObject({ operation, traceparent: null });
});

test.each(eventKinds)('the record keeps the traceparent of the request from $name', async (kind) => {
  expect(await recordOf(kind, {}, { headers: { Traceparent: traceparent } })).toMatchObject({ traceparent });
});
