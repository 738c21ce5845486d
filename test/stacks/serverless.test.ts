// Behind wrappers that call a Node framework from a Lambda function: runs once, replays, and responds as without the
// middleware.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { AppSpec, Call, Reply } from '../../packages/testing/src/adapter-suite/framework.js';
import { expressAndKoa } from '../adapters/express-and-koa.js';
import { type OpenedStore, storeKinds } from '../adapters/store-kinds.js';

const require = createRequire(import.meta.url);

interface Result {
  readonly statusCode: number;
  readonly headers?: Record<string, unknown>;
  readonly multiValueHeaders?: Record<string, unknown>;
  readonly cookies?: unknown;
  readonly body: string;
  readonly isBase64Encoded?: boolean;
}

type Lambda = (event: unknown, context: unknown) => Promise<Result>;

const wrappers: Record<string, (app: unknown) => Lambda> = {
  'serverless-http 3': (app) => require('serverless-http3')(app, { binary: ['image/png'] }),
  'serverless-http 4': (app) => require('serverless-http')(app, { binary: ['image/png'] }),
  '@codegenie/serverless-express': (app) => require('@codegenie/serverless-express')({ app }),
  '@vendia/serverless-express': (app) => require('@vendia/serverless-express')({ app }),
};

const body = JSON.stringify({ amount: 10 });
const headersOf = (key?: string): Record<string, string> => ({
  'content-type': 'application/json',
  host: 'pay.example',
  ...(key === undefined ? {} : { 'idempotency-key': key }),
});
const asMultiValueHeaders = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));

/** The events of the three kinds of front end, by key. */
const events: Record<string, (key?: string) => object> = {
  'API Gateway v1': (key) => ({
    httpMethod: 'POST',
    path: '/pay',
    resource: '/pay',
    headers: headersOf(key),
    multiValueHeaders: asMultiValueHeaders(headersOf(key)),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    requestContext: { stage: 'test', resourcePath: '/pay', identity: { sourceIp: '192.0.2.1' } },
    body,
    isBase64Encoded: false,
  }),
  'API Gateway v2': (key) => ({
    version: '2.0',
    routeKey: '$default',
    rawPath: '/pay',
    rawQueryString: '',
    headers: headersOf(key),
    requestContext: { stage: '$default', http: { method: 'POST', path: '/pay', sourceIp: '192.0.2.1' } },
    body,
    isBase64Encoded: false,
  }),
  ALB: (key) => ({
    requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:test' } },
    httpMethod: 'POST',
    path: '/pay',
    queryStringParameters: {},
    headers: headersOf(key),
    body,
    isBase64Encoded: false,
  }),
};

type Respond = (call: Call) => Reply;

const responses: Record<string, Respond> = {
  json: () => ({ status: 201, headers: { 'X-Made': 'here' }, body: { paid: 'é€' } }),
  'a text': () => ({ headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: 'é€' }),
  bytes: () => ({ headers: { 'Content-Type': 'image/png' }, body: Buffer.from([0, 128, 255, 13, 10, 13, 10]) }),
  nothing: () => ({ status: 204 }),
  'a cookie': () => ({ headers: { 'X-List': ['a', 'b'] }, body: 'x' }),
  'writes to the response': ({ res }) => {
    res.writeHead(202, { 'Content-Type': 'text/plain', 'X-Made': 'here' });
    res.write('first, é');
    res.end(' second');
    return 'raw';
  },
  'a stream': () => ({ body: Readable.from([Buffer.from('first, é'), Buffer.from(' second')]) }),
};

const worlds: OpenedStore[] = [];
afterEach(async () => {
  for (const testbed of worlds.splice(0)) await testbed.close();
});

describe.each(Object.keys(wrappers))('%s', (wrapper) => {
  describe.each(storeKinds)('on $name', ({ open }) => {
    const openStore = async () => {
      const testbed = await open();
      worlds.push(testbed);
      return testbed.store;
    };

    for (const [kind, eventOf] of Object.entries(events)) {
      it.each(expressAndKoa)(
        `${kind}: of 20 duplicates one runs, and all get its response ($name)`,
        async (framework) => {
          const store = await openStore();
          for (const [what, respond] of Object.entries(responses)) {
            let runs = 0;
            const handler = async (call: Call): Promise<Reply> => {
              runs += 1;
              await new Promise(setImmediate);
              return respond(call);
            };
            const spec: AppSpec = { store, handler, options: { onInProgress: { waitMs: 30_000 } } };
            const call = (of: AppSpec) => wrappers[wrapper]?.(framework.listener(of));
            const plain = await call({ ...spec, plain: true })?.(eventOf(), {});
            runs = 0;
            const key = randomUUID();
            const guarded = call(spec);
            const all = await Promise.all(Array.from({ length: 20 }, () => guarded?.(eventOf(key), {})));
            expect([what, runs]).toEqual([what, 1]);
            expect(new Set(all.map((one) => JSON.stringify(comparable(one))))).toEqual(
              new Set([JSON.stringify(comparable(plain))]),
            );
            expect(all.filter((one) => headersIn(one)['idempotent-replayed'] === 'true')).toHaveLength(19);
          }
        },
      );
    }

    it.each(expressAndKoa)('a rejection is a response, and so is a failure ($name)', async (framework) => {
      let runs = 0;
      const handler = (): Reply => {
        runs += 1;
        throw new Error('declined');
      };
      const app = wrappers[wrapper]?.(
        framework.listener({ store: await openStore(), handler, options: { required: true } }),
      );
      const event = events['API Gateway v2'];
      expect((await app?.(event?.(), {}))?.statusCode).toBe(400);
      expect((await app?.(event?.('k'), {}))?.statusCode).toBe(500);
      expect((await app?.(event?.('k'), {}))?.statusCode).toBe(500);
      expect(runs).toBe(2);
    });

    it.each(expressAndKoa)(
      'a response that is too large to record is sent whole; its retry gets 410 ($name)',
      async (framework) => {
        const handler = (): Reply => ({ body: 'x'.repeat(5_000) });
        const options = { maxOutcomeBytes: 1_000 };
        const app = wrappers[wrapper]?.(framework.listener({ store: await openStore(), handler, options }));
        const event = events['API Gateway v1'];
        const first = await app?.(event?.('k'), {});
        expect([first?.statusCode, first?.body]).toEqual([200, 'x'.repeat(5_000)]);
        expect((await app?.(event?.('k'), {}))?.statusCode).toBe(410);
      },
    );
  });
});

function headersIn(result: Result | undefined): Record<string, unknown> {
  const all = { ...result?.headers, ...result?.multiValueHeaders };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name.toLowerCase(), [value].flat().join()]));
}

function comparable(result: Result | undefined) {
  // A replay always has Content-Length, the first response only where the framework sets it. The gateway counts for
  // itself.
  const { date: _, 'idempotent-replayed': __, 'content-length': ___, ...headers } = headersIn(result);
  const bytes = Buffer.from(result?.body ?? '', result?.isBase64Encoded ? 'base64' : 'utf8');
  return { status: result?.statusCode, headers: Object.entries(headers).sort(), bytes: bytes.toString('hex') };
}
