// Requirement 3: a JSON body is compared as JSON, whether or not a parser of Express kept its source, and wherever.
import { keepRawBody } from '@onceguard/express';
import type { Request, RequestHandler, Response } from 'express';
import { expect, it } from 'vitest';
import { type RequestToSend, send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import { type ExpressFramework, isExpress } from './registrations/express.js';

type Verify = (req: Request, res: Response, bytes: Buffer) => void;

/** A parser that reads every body as JSON. */
function readsAllAsJson({ json }: ExpressFramework['library'], verify?: Verify): RequestHandler {
  return json({ type: () => true, ...(verify ? { verify } : {}) });
}

function typed(type: string | undefined, body: string): RequestToSend {
  return { method: 'POST', body, headers: type === undefined ? {} : { 'content-type': type }, key: 'payment-1' };
}

async function startWithParser(testbed: Testbed, parser: RequestHandler, store = testbed.openStore()) {
  const { store: opened } = await store;
  let runs = 0;
  const { port } = await testbed.start({
    store: opened,
    parser: 'none',
    outer: [parser],
    handler: ({ body }) => {
      runs += 1;
      return { status: 201, body: { runs, body } };
    },
  });
  return { port, runs: () => runs };
}

onEveryFramework(
  'A parser that keeps the source, mounted between a request and its retry,',
  (testbed) => {
    it.each(['{"amount":20}', '{"to":"Zo\\u00eb","amount":12.5,"ids":[1,2,{}]}'])(
      'changes nothing for %s',
      async (body) => {
        const opened = testbed.openStore();
        const json = 'application/json';
        const before = await startWithParser(testbed, readsAllAsJson(testbed.framework.library), opened);
        const after = await startWithParser(testbed, readsAllAsJson(testbed.framework.library, keepRawBody), opened);
        const first = await send(before.port, typed(json, body));
        expect(first.status).toBe(201);
        expect(await send(after.port, typed(json, body))).toMatchObject({ status: 201, text: first.text });
        expect(after.runs()).toBe(0);
      },
    );
  },
  { only: isExpress },
);

onEveryFramework(
  'A Buffer at req.rawBody, where Nest and cloud functions keep the source,',
  (testbed) => {
    it('is compared: numbers that JavaScript cannot tell apart are different payloads', async () => {
      const keep = (req: Request, _res: Response, bytes: Buffer) => void Reflect.set(req, 'rawBody', bytes);
      const { port, runs } = await startWithParser(testbed, readsAllAsJson(testbed.framework.library, keep));
      const json = 'application/json';
      expect(await send(port, typed(json, '{"amount":9007199254740992}'))).toMatchObject({ status: 201 });
      expect(await send(port, typed(json, '{"amount":9007199254740993}'))).toMatchObject({ status: 422 });
      expect(await send(port, typed(json, '{ "amount": 9007199254740992 }'))).toMatchObject({ status: 201 });
      expect(runs()).toBe(1);
    });
  },
  { only: isExpress },
);

onEveryFramework(
  'The bytes of a text',
  (testbed) => {
    it('in another charset are another payload', async () => {
      const { port } = await startWithParser(testbed, testbed.framework.library.raw({ type: () => true }));
      expect(await send(port, typed('text/plain; charset=latin1', 'Ã©'))).toMatchObject({ status: 201 });
      expect(await send(port, typed('text/plain', 'Ã©'))).toMatchObject({ status: 422 });
      expect(await send(port, typed('text/plain; charset="LATIN1"', 'Ã©'))).toMatchObject({ status: 201 });
    });
  },
  { only: isExpress },
);
