// Requirement 2: a replay takes the handler's headers from the record, and has the live headers of outer layers.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import helmet from 'helmet';
import type { Context, Next } from 'koa';
import { expect, it } from 'vitest';
import { expectReplay } from './expect-replay.js';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import type { AppSpec, Options } from './frameworks.js';
import { type ReceivedResponse, send } from './http-client.js';

type NodeLayer = (req: IncomingMessage, res: ServerResponse, next: () => void) => void;

onEveryFramework('A replay', (testbed) => {
  it('has the headers of helmet, cors and a request id live, once each', async () => {
    const allowed = ['https://one.example', 'https://two.example'];
    const outer = [
      layer(
        testbed,
        helmet({ contentSecurityPolicy: { directives: { scriptSrc: [() => `'nonce-${randomUUID()}'`] } } }),
      ),
      layer(testbed, cors({ origin: allowed, exposedHeaders: ['X-Total'] })),
      layer(testbed, (_req, res, next) => {
        res.setHeader('X-Request-Id', randomUUID());
        next();
      }),
    ];
    const { first, replay } = await sendTwice(testbed, { outer }, {}, [
      { headers: { Origin: 'https://one.example' } },
      { headers: { Origin: 'https://two.example' } },
    ]);
    expect(first.headers['access-control-allow-origin']).toBe('https://one.example');
    expect(replay.headers['access-control-allow-origin']).toBe('https://two.example');
    for (const name of ['x-request-id', 'content-security-policy']) {
      expect(linesOf(first, name)).toHaveLength(1);
      expect(linesOf(replay, name)).toHaveLength(1);
      expect(replay.headers[name]).not.toBe(first.headers[name]);
    }
    for (const name of ['strict-transport-security', 'x-frame-options', 'access-control-expose-headers', 'vary']) {
      expect(linesOf(first, name)).toHaveLength(1);
      expect(linesOf(replay, name)).toEqual(linesOf(first, name));
    }
    expect(replay.headers['x-handler']).toBe('made in run 1');
  });

  it.each([
    ['nothing', undefined, 'Accept', 'Accept'],
    ['one member', 'Origin', 'Origin, Accept', 'Origin, Accept'],
    ['another member this time', ['Origin', 'Cookie'], 'Origin, Accept', 'Cookie, Accept'],
    ['a member that the handler names too', 'accept', 'accept', 'accept'],
  ])('has Vary merged: outer layers send %s, the handler Accept', async (_title, live, onFirst, onReplay) => {
    const sentVary = typeof live === 'string' ? [live, live] : [live?.[0], live?.[1]];
    const outer = [
      layer(testbed, (_req, res, next) => {
        const vary = sentVary.shift();
        if (vary !== undefined) res.setHeader('Vary', vary);
        next();
      }),
    ];
    const vary = ({ res }: { res: ServerResponse }) => {
      const known = String(res.getHeader('Vary') ?? '');
      const members = known === '' ? [] : known.split(', ');
      if (!members.some((member) => member.toLowerCase() === 'accept')) members.push('Accept');
      res.setHeader('Vary', members.join(', '));
    };
    const { first, replay } = await sendTwice(testbed, { outer, before: vary });
    expect(first.headers.vary).toBe(onFirst);
    expect(replay.headers.vary).toBe(onReplay);
  });

  it('lacks what the handler removed, and has what it changed', async () => {
    const outer = [
      layer(testbed, (_req, res, next) => {
        res.setHeader('X-Removed', 'by the handler');
        res.setHeader('X-Changed', 'from outside');
        res.setHeader('X-Kept', randomUUID());
        next();
      }),
    ];
    const before = ({ res }: { res: ServerResponse }) => {
      res.removeHeader('X-Removed');
      res.setHeader('X-Changed', 'by the handler');
    };
    const { first, replay } = await sendTwice(testbed, { outer, before });
    for (const response of [first, replay]) {
      expect(response.headers['x-removed']).toBeUndefined();
      expect(response.headers['x-changed']).toBe('by the handler');
    }
    expect(replay.headers['x-kept']).not.toBe(first.headers['x-kept']);
  });

  const ofOneExchange = {
    'Set-Cookie': 'session=secret',
    'X-RateLimit-Remaining': '7',
    'RateLimit-Policy': '10;w=60',
    'Access-Control-Allow-Origin': 'https://one.example',
    'Server-Timing': 'db;dur=53',
    Age: '12',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'X-Request-Id': 'req-1',
  };

  it.each(Object.keys(ofOneExchange))('lacks the handler’s %s, which belongs to one exchange', async (name) => {
    const { first, replay } = await sendTwice(testbed, { before: ({ res }) => setHeaders(res, ofOneExchange) });
    expect(linesOf(first, name)).toHaveLength(1);
    expect(linesOf(replay, name)).toEqual([]);
  });

  const chargeKey = { headers: { 'X-Charge-Key': 'payment-1' } };
  const credentials = {
    Authorization: 'Bearer of-the-next-call',
    'X-Auth-Token': 'token',
    'X-Api-Key': 'api-key',
    'X-Csrf-Token': 'csrf',
    'Idempotency-Key': 'the key of the client',
    'X-Charge-Key': 'the key of the client, under the name of headerName',
  };

  it.each(Object.keys(credentials))('lacks the handler’s credential %s, as header and as trailer', async (name) => {
    const key = { headerName: 'X-Charge-Key' };
    const header = await sendTwice(testbed, { before: ({ res }) => setHeaders(res, credentials) }, key, [
      chargeKey,
      chargeKey,
    ]);
    expect([linesOf(header.first, name).length, linesOf(header.replay, name)]).toEqual([1, []]);
    const { first, replay } = await sendTrailers(testbed, { ...credentials, 'X-Digest': 'abc' }, key);
    expect(trailersOf(first)).toHaveProperty(name.toLowerCase());
    expect(trailersOf(replay)).toEqual({ 'x-digest': 'abc' });
  });

  it('has a credential that omitHeaders does not name, as header and as trailer', async () => {
    const omitHeaders = ['x-secret'];
    const { replay } = await sendTwice(testbed, { before: ({ res }) => setHeaders(res, credentials) }, { omitHeaders });
    expect(replay.headers).toMatchObject({ authorization: credentials.Authorization });
    const { replay: other } = await sendTrailers(testbed, { Authorization: 'a', 'X-Secret': 'b' }, { omitHeaders });
    expect(trailersOf(other)).toEqual({ authorization: 'a' });
  });

  it('lacks what omitHeaders names, and then has what the default would omit', async () => {
    const omitHeaders = ['X-Secret', 'x-internal-*'];
    const headers = { 'X-Secret': '1', 'X-Internal-Node': '2', 'Set-Cookie': 'a=1', 'X-Public': '3' };
    const { first, replay } = await sendTwice(
      testbed,
      { before: ({ res }) => setHeaders(res, headers) },
      { omitHeaders },
    );
    expect(first.headers).toMatchObject({ 'x-secret': '1', 'x-internal-node': '2' });
    expect(replay.headers).toMatchObject({ 'x-public': '3', 'set-cookie': ['a=1'] });
    expect(replay.headers['x-secret']).toBeUndefined();
    expect(replay.headers['x-internal-node']).toBeUndefined();
  });

  it('has Idempotent-Replayed: true, which the first response lacks', async () => {
    const { first, replay } = await sendTwice(testbed, {});
    expectReplay(replay, first);
  });
});

interface Layers {
  readonly outer?: AppSpec['outer'];
  readonly before?: (call: { readonly res: ServerResponse }) => void;
}

async function sendTwice(
  testbed: Testbed,
  { outer = [], before = () => {} }: Layers,
  options: Options = {},
  requests: readonly { readonly headers: Record<string, string> }[] = [],
): Promise<{ first: ReceivedResponse; replay: ReceivedResponse }> {
  const { store } = await testbed.openStore();
  let runs = 0;
  const handler: AppSpec['handler'] = (call) => {
    runs += 1;
    before(call);
    return { status: 201, headers: { 'X-Handler': `made in run ${runs}` }, body: { paid: true } };
  };
  const { port } = await testbed.start({ store, handler, options, outer });
  const first = await send(port, { key: 'payment-1', ...requests[0] });
  const replay = await send(port, { key: 'payment-1', ...requests[1] });
  expect(runs).toBe(1);
  expect([replay.status, replay.text]).toEqual([first.status, first.text]);
  return { first, replay };
}

/** A response with these trailers, and its replay. */
async function sendTrailers(testbed: Testbed, trailers: Record<string, string>, options: Options) {
  const { store } = await testbed.openStore();
  const handler: AppSpec['handler'] = ({ res }) => {
    res.writeHead(201, { Trailer: Object.keys(trailers).join(', ') });
    res.write('paid');
    res.addTrailers(trailers);
    res.end();
    return 'raw';
  };
  const { port } = await testbed.start({ store, handler, options });
  const sent = { key: 'payment-1', headers: { 'X-Charge-Key': 'payment-1' } };
  const first = await send(port, sent);
  const replay = await send(port, sent);
  expect(replay.headers['idempotent-replayed']).toBe('true');
  return { first, replay };
}

/** Converts node:http middleware to middleware of this framework. */
function layer({ framework }: Testbed, run: NodeLayer): unknown {
  if (framework.family === 'express') return run;
  return async (ctx: Context, next: Next) => {
    await new Promise<void>((resolve) => run(ctx.req, ctx.res, resolve));
    await next();
  };
}

function setHeaders(res: ServerResponse, headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
}

function linesOf({ rawHeaders }: ReceivedResponse, name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name.toLowerCase());
}

/** The trailers by lower-case name, as HTTP/2 sends them. */
function trailersOf({ rawTrailers }: ReceivedResponse): Record<string, string> {
  const names = rawTrailers.filter((_, at) => at % 2 === 0);
  return Object.fromEntries(names.map((name, at) => [name.toLowerCase(), rawTrailers[2 * at + 1] ?? '']));
}
