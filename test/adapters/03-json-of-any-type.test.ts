// Requirement 3: a JSON body is compared as JSON, whatever its Content-Type and whether its source was kept.
import { keepRawBody } from '@onceguard/express';
import type { Request, Response } from 'express';
import bodyParser from 'koa-bodyparser';
import { expect, it } from 'vitest';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import type { Framework } from './frameworks.js';
import { type RequestToSend, send } from './http-client.js';

/** A parser that reads every body as JSON. */
function readsAllAsJson(framework: Framework, verify?: (req: Request, res: Response, bytes: Buffer) => void): unknown {
  if (framework.family === 'express')
    return framework.library.json({ type: () => true, ...(verify ? { verify } : {}) });
  return bodyParser({ enableTypes: ['json'], detectJSON: () => true });
}

function typed(type: string | undefined, body: string): RequestToSend {
  return { method: 'POST', body, headers: type === undefined ? {} : { 'content-type': type }, key: 'payment-1' };
}

async function startWithParser(testbed: Testbed, parser: unknown, store = testbed.openStore()) {
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

onEveryFramework('A body that a parser has read as JSON', (testbed) => {
  it.each(['text/plain', 'application/octet-stream', undefined])(
    'is compared as JSON with the type %s: the order of members does not matter, another value does',
    async (type) => {
      const { port, runs } = await startWithParser(testbed, readsAllAsJson(testbed.framework));
      const first = await send(port, typed(type, '{"Type":"Notification","amount":10}'));
      expect(first.status).toBe(201);
      const again = await send(port, typed(type, '{ "amount": 10, "Type": "Notification" }'));
      expect(again).toMatchObject({ status: 201, text: first.text, headers: { 'idempotent-replayed': 'true' } });
      expect(await send(port, typed(type, '{"Type":"Notification","amount":11}'))).toMatchObject({ status: 422 });
      expect(runs()).toBe(1);
    },
  );
});

onEveryFramework(
  'A parser that keeps the source, mounted between a request and its retry,',
  (testbed) => {
    it.each(['{"amount":20}', '{"to":"Zo\\u00eb","amount":12.5,"ids":[1,2,{}]}'])(
      'changes nothing for %s',
      async (body) => {
        const opened = testbed.openStore();
        const json = 'application/json';
        const before = await startWithParser(testbed, readsAllAsJson(testbed.framework), opened);
        const after = await startWithParser(testbed, readsAllAsJson(testbed.framework, keepRawBody), opened);
        const first = await send(before.port, typed(json, body));
        expect(first.status).toBe(201);
        expect(await send(after.port, typed(json, body))).toMatchObject({ status: 201, text: first.text });
        expect(after.runs()).toBe(0);
      },
    );
  },
  { family: 'express' },
);

onEveryFramework(
  'A Buffer at req.rawBody, where Nest and cloud functions keep the source,',
  (testbed) => {
    it('is compared: numbers that JavaScript cannot tell apart are different payloads', async () => {
      const keep = (req: Request, _res: Response, bytes: Buffer) => void Reflect.set(req, 'rawBody', bytes);
      const { port, runs } = await startWithParser(testbed, readsAllAsJson(testbed.framework, keep));
      const json = 'application/json';
      expect(await send(port, typed(json, '{"amount":9007199254740992}'))).toMatchObject({ status: 201 });
      expect(await send(port, typed(json, '{"amount":9007199254740993}'))).toMatchObject({ status: 422 });
      expect(await send(port, typed(json, '{ "amount": 9007199254740992 }'))).toMatchObject({ status: 201 });
      expect(runs()).toBe(1);
    });
  },
  { family: 'express' },
);

onEveryFramework(
  'The bytes of a text',
  (testbed) => {
    it('in another charset are another payload', async () => {
      const { port } = await startWithParser(
        testbed,
        testbed.framework.family === 'express' && rawParser(testbed.framework),
      );
      expect(await send(port, typed('text/plain; charset=latin1', 'Ã©'))).toMatchObject({ status: 201 });
      expect(await send(port, typed('text/plain', 'Ã©'))).toMatchObject({ status: 422 });
      expect(await send(port, typed('text/plain; charset="LATIN1"', 'Ã©'))).toMatchObject({ status: 201 });
    });
  },
  { family: 'express' },
);

function rawParser(framework: Framework): unknown {
  return framework.family === 'express' ? framework.library.raw({ type: () => true }) : undefined;
}
