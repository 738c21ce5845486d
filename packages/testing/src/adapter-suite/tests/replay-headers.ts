// Requirement 2: a replay takes the handler's headers from the record, and has the live headers of outer layers.
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { AppSpec, LayerCall, Options, ResponseHeaders } from '../framework.js';
import { expectReplay } from '../support/expect-replay.js';
import { type ReceivedResponse, send } from '../support/http-client.js';

type SetHeaders = (call: { readonly headers: ResponseHeaders }) => void;

export function replayHeadersTests(suite: AdapterTests): void {
  suite.group('A replay', (testbed) => {
    it.runIf(testbed.has('outerLayers'))('has the headers of outer layers live, once each', async () => {
      const outer = [headerLayer(testbed, ({ headers }) => headers.set('X-Request-Id', randomUUID()))];
      const { first, replay } = await sendTwice(testbed, { outer });
      for (const response of [first, replay]) expect(linesOf(response, 'X-Request-Id')).toHaveLength(1);
      expect(replay.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
      expect(replay.headers['x-handler']).toBe('made in run 1');
    });

    it.runIf(testbed.has('outerLayers')).each([
      ['nothing', undefined, 'Accept', 'Accept'],
      ['one member', 'Origin', 'Origin, Accept', 'Origin, Accept'],
      ['another member this time', ['Origin', 'Cookie'], 'Origin, Accept', 'Cookie, Accept'],
      ['a member that the handler names too', 'accept', 'accept', 'accept'],
    ])('has Vary merged: outer layers send %s, the handler Accept', async (_title, live, onFirst, onReplay) => {
      const sentVary = typeof live === 'string' ? [live, live] : [live?.[0], live?.[1]];
      const outer = [
        headerLayer(testbed, ({ headers }) => {
          const vary = sentVary.shift();
          if (vary !== undefined) headers.set('Vary', vary);
        }),
      ];
      const vary: SetHeaders = ({ headers }) => {
        const known = headers.get('Vary') ?? '';
        const members = known === '' ? [] : known.split(', ');
        if (!members.some((member) => member.toLowerCase() === 'accept')) members.push('Accept');
        headers.set('Vary', members.join(', '));
      };
      const { first, replay } = await sendTwice(testbed, { outer, before: vary });
      expect(first.headers.vary).toBe(onFirst);
      expect(replay.headers.vary).toBe(onReplay);
    });

    it.runIf(testbed.has('outerLayers'))('lacks what the handler removed, and has what it changed', async () => {
      const outer = [
        headerLayer(testbed, ({ headers }) => {
          headers.set('X-Removed', 'by the handler');
          headers.set('X-Changed', 'from outside');
          headers.set('X-Kept', randomUUID());
        }),
      ];
      const before: SetHeaders = ({ headers }) => {
        headers.remove('X-Removed');
        headers.set('X-Changed', 'by the handler');
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
      const { first, replay } = await sendTwice(testbed, { before: sets(ofOneExchange) });
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
      const header = await sendTwice(testbed, { before: sets(credentials) }, key, [chargeKey, chargeKey]);
      expect([linesOf(header.first, name).length, linesOf(header.replay, name)]).toEqual([1, []]);
      if (!testbed.has('raw', 'trailers')) return;
      const { first, replay } = await sendTrailers(testbed, { ...credentials, 'X-Digest': 'abc' }, key);
      expect(trailersOf(first)).toHaveProperty(name.toLowerCase());
      expect(trailersOf(replay)).toEqual({ 'x-digest': 'abc' });
    });

    it('has a credential that omitHeaders does not name, as header and as trailer', async () => {
      const omitHeaders = ['x-secret'];
      const { replay } = await sendTwice(testbed, { before: sets(credentials) }, { omitHeaders });
      expect(replay.headers).toMatchObject({ authorization: credentials.Authorization });
      if (!testbed.has('raw', 'trailers')) return;
      const { replay: other } = await sendTrailers(testbed, { Authorization: 'a', 'X-Secret': 'b' }, { omitHeaders });
      expect(trailersOf(other)).toEqual({ authorization: 'a' });
    });

    it('lacks what omitHeaders names, and then has what the default would omit', async () => {
      const omitHeaders = ['X-Secret', 'x-internal-*'];
      const headers = { 'X-Secret': '1', 'X-Internal-Node': '2', 'Set-Cookie': 'a=1', 'X-Public': '3' };
      const { first, replay } = await sendTwice(testbed, { before: sets(headers) }, { omitHeaders });
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
}

interface Layers {
  readonly outer?: AppSpec['outer'];
  readonly before?: SetHeaders;
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

/** A layer that sets headers, and passes the request on. */
function headerLayer(testbed: Testbed, set: (call: LayerCall) => void): unknown {
  return testbed.layer((call) => {
    set(call);
    return undefined;
  });
}

function sets(values: Record<string, string>): SetHeaders {
  return ({ headers }) => {
    for (const [name, value] of Object.entries(values)) headers.set(name, value);
  };
}

function linesOf({ rawHeaders }: ReceivedResponse, name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name.toLowerCase());
}

/** The trailers by lower-case name, as HTTP/2 sends them. */
function trailersOf({ rawTrailers }: ReceivedResponse): Record<string, string> {
  const names = rawTrailers.filter((_, at) => at % 2 === 0);
  return Object.fromEntries(names.map((name, at) => [name.toLowerCase(), rawTrailers[2 * at + 1] ?? '']));
}
