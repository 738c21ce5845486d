// The inspector without a browser: who may enter, what may change something, what is shown to whom.
import { subscribe } from 'node:diagnostics_channel';
import { gzipSync } from 'node:zlib';
import { executeIdempotently, lookup, MemoryStore, recordName } from '@onceguard/core';
import { inspectorHandler, revealedChannel } from '@onceguard/inspector';
import { afterEach, describe, expect, test } from 'vitest';
import { hostile, type InspectorTestbed, openInspector, startWork } from './inspector-testbed.js';

const opened: InspectorTestbed[] = [];
afterEach(() => Promise.all(opened.splice(0).map((testbed) => testbed.close())));

async function open(options: Parameters<typeof openInspector>[0] = {}): Promise<InspectorTestbed> {
  const testbed = await openInspector(options);
  opened.push(testbed);
  return testbed;
}

const pageHeaders = {
  'content-type': 'application/json',
  'x-onceguard-inspector': '1',
  'sec-fetch-site': 'same-origin',
  'x-user': 'ada',
};

async function call(url: string, name: string, input: object = {}, headers: Record<string, string> = pageHeaders) {
  const response = await fetch(`${url}api/${name}`, { method: 'POST', headers, body: JSON.stringify(input) });
  return { status: response.status, reply: await response.json() };
}

async function tokenOf({ store }: InspectorTestbed, name: string): Promise<number> {
  return (await lookup(store, name))?.fencingToken ?? expect.unreachable();
}

describe('Who may not enter', () => {
  test.each(['', 'api/session', 'api/find', 'api/decide'])(
    'gets 403 and learns nothing: /onceguard/%s',
    async (path) => {
      const { url } = await open();
      const { 'x-user': _user, ...headers } = pageHeaders;
      const response = await fetch(url + path, path === '' ? {} : { method: 'POST', headers, body: '{}' });
      expect([response.status, await response.text()]).toEqual([403, expect.not.stringContaining('<')]);
    },
  );

  test('is sent where authorize says', async () => {
    const signIn = new Response(null, { status: 303, headers: { location: '/sign-in' } });
    const { url } = await open({ authorize: (): Response => signIn });
    const response: Response = await fetch(url, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([303, '/sign-in']);
  });

  test('meets the error handler of the application if authorize throws', async () => {
    const { url } = await open({ authorize: (): Promise<string> => Promise.reject(new Error('no session store')) });
    expect((await fetch(url)).status).toBe(500);
  });
});

test.each<[options: object, message: RegExp]>([
  [{ store: new MemoryStore() }, /authorize is missing/],
  [{ authorize: () => 'ada' }, /store is no store/],
  [{ store: new MemoryStore(), authorize: () => 'ada', readonly: true }, /readonly is not an option/],
])('Options that make no sense are refused with the remedy: %#', (options, message) => {
  expect(() => inspectorHandler(options as never)).toThrow(message);
});

describe('A change', () => {
  const { 'x-onceguard-inspector': _page, ...withoutHeader } = pageHeaders;
  const { 'sec-fetch-site': _site, ...withoutSite } = pageHeaders;

  test.each<[string, Record<string, string>]>([
    ['without the header of the page', withoutHeader],
    ['from another site', { ...pageHeaders, 'sec-fetch-site': 'cross-site' }],
    ['from another origin of the same site', { ...pageHeaders, 'sec-fetch-site': 'same-site' }],
    ['from another origin, in an old browser', { ...withoutSite, origin: 'https://evil.example' }],
    ['of a sandboxed page', { ...withoutSite, origin: 'null' }],
    ['that says not where it comes from', withoutSite],
    ['of a form', { ...pageHeaders, 'content-type': 'text/plain' }],
  ])('%s is refused, and nothing is changed', async (_what, headers) => {
    const testbed = await open();
    const name = await testbed.leaveDoubt('order-1');
    const decision = { recordName: name, as: 'not_done', reason: 'forged', fencingToken: await tokenOf(testbed, name) };
    expect((await call(testbed.url, 'decide', decision, headers)).status).toBe(403);
    expect(await lookup(testbed.store, name)).toMatchObject({ state: 'outcome_unknown', decisions: [] });
  });

  test('from the page of an old browser, which names its origin, is made', async () => {
    const testbed = await open();
    const name = await testbed.leaveDoubt('order-1');
    const decision = {
      recordName: name,
      as: 'not_done',
      reason: 'no charge',
      fencingToken: await tokenOf(testbed, name),
    };
    const headers = { ...withoutSite, origin: `http://127.0.0.1:${testbed.port}` };
    expect(await call(testbed.url, 'decide', decision, headers)).toMatchObject({
      status: 200,
      reply: { kind: 'decided' },
    });
    expect(await lookup(testbed.store, name)).toMatchObject({ decisions: [{ by: 'ada', reason: 'no charge' }] });
  });

  test.each<[string, Parameters<typeof open>[0]]>([
    ['readOnly', { readOnly: true }],
    ['a visitor who may only look', { authorize: () => ({ name: 'ada', readOnly: true }) }],
  ])('is refused with %s', async (_what, options) => {
    const testbed = await open(options);
    const name = await testbed.leaveDoubt('order-1');
    const decision = { recordName: name, as: 'done', reason: 'r', fencingToken: await tokenOf(testbed, name) };
    expect((await call(testbed.url, 'decide', decision)).status).toBe(403);
    expect(await lookup(testbed.store, name)).toMatchObject({ state: 'outcome_unknown' });
    expect((await call(testbed.url, 'find', { recordName: name })).status).toBe(200);
  });

  test.each([
    [{ reason: '' }, /reason is missing/],
    [{ reason: '  ' }, /reason is missing/],
    [{ as: 'perhaps' }, /Say whether it happened/],
    [{ repeatOutcome: { kind: 'result', json: '1' } }, /record of a request: give a response/],
    [{ repeatOutcome: { kind: 'response', status: 99 } }, /status/],
    [{ repeatOutcome: { kind: 'response', status: 201, contentType: 'a\r\nb' } }, /content-type/],
    [{ fencingToken: 1 }, /not in doubt any more|nobody|unknown/],
  ])('that makes no sense is refused with a sentence: %j', async (changes, message) => {
    const testbed = await open();
    const name = await testbed.leaveDoubt('order-1');
    const decision = {
      recordName: name,
      as: 'done',
      reason: 'r',
      fencingToken: await tokenOf(testbed, name),
      ...changes,
    };
    const { reply } = await call(testbed.url, 'decide', decision);
    expect(reply.error ?? reply.message).toMatch(message);
    expect(await lookup(testbed.store, name)).toMatchObject({ state: 'outcome_unknown', decisions: [] });
  });
});

describe('What a record contains', () => {
  test('is masked until a visitor asks, and that is an event with the name', async () => {
    const { url, pay, nameOf, store } = await open();
    await pay('order-1', { amount: 20 });
    const recordName = nameOf('order-1');
    const events: unknown[] = [];
    subscribe(revealedChannel, (event) => void events.push(event));
    const masked = JSON.stringify((await call(url, 'find', { recordName })).reply);
    expect(masked).toContain('"status":201');
    expect(masked).not.toMatch(/paid|secret-cookie/);
    expect(events).toEqual([]);
    const revealed = JSON.stringify((await call(url, 'reveal', { recordName })).reply);
    expect(revealed).toMatch(/paid.*20/);
    expect(events).toEqual([{ store: store.name, recordName, by: 'ada' }]);
  });

  test('is sent as JSON that nothing takes for a page', async () => {
    const { url, pay, nameOf } = await open();
    await pay('order-1', { amount: 20 });
    const body = JSON.stringify({ recordName: nameOf('order-1') });
    const response = await fetch(`${url}api/reveal`, { method: 'POST', headers: pageHeaders, body });
    expect(await response.json()).toMatchObject({
      record: { outcome: { body: { text: expect.stringContaining('<script>') } } },
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
  });

  test('has a link to its trace only where traceUrl gives an address of the web', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const linkOf = async (traceUrl: (id: string) => string) => {
      const { url, pay, nameOf } = await open({ traceUrl });
      await pay('order-1', { amount: 20 }, { traceparent });
      return (await call(url, 'find', { recordName: nameOf('order-1') })).reply.traceUrl;
    };
    expect(await linkOf((id) => `https://traces.example/${id}`)).toBe(
      'https://traces.example/4bf92f3577b34da6a3ce929d0e0e4736',
    );
    expect(await linkOf((id) => `javascript:alert('${id}')`)).toBeNull();
  });
});

test('The page is one file of at most 60 kB compressed, with a policy that names its script and nothing else', async () => {
  const { url } = await open();
  const response = await fetch(url, { headers: { 'x-user': 'ada' } });
  const html = await response.text();
  expect(gzipSync(html).length).toBeLessThanOrEqual(60_000);
  expect(html).not.toMatch(/(src|href)="?https?:/);
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/script-src 'sha256-[^ ]+';/);
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  expect(response.headers.get('x-frame-options')).toBe('DENY');
});

test('Without the slash at its end, the address leads to the page, whatever a proxy cut off before it', async () => {
  const { url } = await open();
  const response = await fetch(url.slice(0, -1), { headers: { 'x-user': 'ada' }, redirect: 'manual' });
  expect([response.status, response.headers.get('location')]).toEqual([308, './onceguard/']);
});

test('As a function of a Request it works without Express, and counts what functions do', async () => {
  const store = new MemoryStore();
  const inspect = inspectorHandler({ store, authorize: () => 'ada' });
  const endWork = await startWork(store);
  await executeIdempotently(() => 1, { store, scope: 'jobs', key: 'a', operation: 'count' });
  await executeIdempotently(() => 1, { store, scope: 'jobs', key: 'a', operation: 'count' });
  const now = async () => {
    const request = new Request('https://shop.example/ops/api/now', {
      method: 'POST',
      headers: pageHeaders,
      body: '{}',
    });
    return await (await inspect(request)).json();
  };
  const settlement = recordName({ scope: 'jobs', key: 'nightly', operation: 'nightly-settlement' });
  expect(await now()).toMatchObject({
    operations: [{ operation: 'count', counts: { executed: 1, replayed: 1, rejected: 0, released: 0, unknown: 0 } }],
    inFlight: [{ recordName: settlement, operation: 'nightly-settlement', attempt: 1, leaseEndAt: expect.any(Number) }],
    pendingResults: 0,
    doubts: 0,
  });
  await endWork();
  expect(await now()).toMatchObject({ inFlight: [], inFlightCount: 0 });
});

test('A call with words that find nothing says so, and repeats none of them', async () => {
  const { url } = await open();
  const words = { scope: hostile, key: 'order-1', method: 'POST', path: '/payments' };
  const { status, reply } = await call(url, 'find', words);
  expect([status, reply.error]).toEqual([404, expect.stringMatching(/^No record\./)]);
  expect(reply.error).not.toContain('<');
});
