// Requirement 3: a body that a parser has read as JSON is compared as JSON, whatever its Content-Type.
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import { type RequestToSend, send } from '../support/http-client.js';

export function jsonOfAnyTypeTests(suite: AdapterTests): void {
  suite.group(
    'A body that a parser has read as JSON',
    (testbed) => {
      it.each(['text/plain', 'application/octet-stream', undefined])(
        'is compared as JSON with the type %s: the order of members does not matter, another value does',
        async (type) => {
          const { store } = await testbed.openStore();
          let runs = 0;
          const { port } = await testbed.start({
            store,
            parser: 'all as JSON',
            handler: ({ body }) => {
              runs += 1;
              return { status: 201, body: { runs, body } };
            },
          });
          const first = await send(port, typed(type, '{"Type":"Notification","amount":10}'));
          expect(first.status).toBe(201);
          const again = await send(port, typed(type, '{ "amount": 10, "Type": "Notification" }'));
          expect(again).toMatchObject({ status: 201, text: first.text, headers: { 'idempotent-replayed': 'true' } });
          expect(await send(port, typed(type, '{"Type":"Notification","amount":11}'))).toMatchObject({ status: 422 });
          expect(runs).toBe(1);
        },
      );
    },
    { needs: ['jsonOfAnyType'] },
  );
}

function typed(type: string | undefined, body: string): RequestToSend {
  return { method: 'POST', body, headers: type === undefined ? {} : { 'content-type': type }, key: 'payment-1' };
}
