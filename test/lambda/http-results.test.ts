// What a client receives: the handler's result first, and the same response for every repeat.
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type IdempotencyOptions, withIdempotency } from '@onceguard/lambda';
import { afterEach, describe, expect, test } from 'vitest';
import { type OpenedStore, openRedisStore, storeKinds } from '../adapters/store-kinds.js';
import { alb, albMulti, contextOf, type EventKind, eventKinds, type TestEvent, v1, v2 } from './http-events.js';

const opened: OpenedStore[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

type Result = (run: number) => unknown;

/** Results that every kind of sender understands, or refuses. */
const commonResults: Record<string, Result> = {
  'JSON with a status': (run) => ({
    statusCode: 201,
    headers: { 'Content-Type': 'application/json', 'X-Number': 7, 'X-Flag': true, 'X-Missing': undefined },
    body: JSON.stringify({ run, name: 'é€' }),
  }),
  bytes: () => ({
    statusCode: 200,
    headers: { 'Content-Type': 'image/png' },
    body: Buffer.from([0, 255, 128, 13, 10]).toString('base64'),
    isBase64Encoded: true,
  }),
  'text in base64': (run) => ({
    statusCode: 200,
    headers: { 'Content-Type': 'text/plain' },
    body: Buffer.from(`run ${run}`).toString('base64'),
    isBase64Encoded: true,
  }),
  'text with a byte order mark': (run) => ({ statusCode: 200, body: `\ufeffrun ${run}` }),
  'no body': () => ({ statusCode: 204 }),
  'a rejection that is final': () => ({ statusCode: 402, body: 'declined' }),
  'a status as text': (run) => ({ statusCode: '200', body: `run ${run}` }),
  'a redirect': () => ({ statusCode: 303, headers: { Location: '/receipts/1' } }),
};

const ownResults: readonly [EventKind, Record<string, Result>][] = [
  [
    v1,
    {
      'lines of one header': (run) => ({
        statusCode: 200,
        headers: { 'X-Run': String(run), Link: '<a>' },
        multiValueHeaders: { Link: ['<a>', '<b>'], 'X-Other': ['c'] },
        body: 'x',
      }),
    },
  ],
  [
    v2,
    {
      'an object without a status': (run) => ({ run, name: 'é€' }),
      'a text without a status': (run) => `run ${run}`,
      'a number': (run) => run,
      null: () => null,
      nothing: () => undefined,
      'a list': (run) => [run],
    },
  ],
  [alb, { 'a status description': () => ({ statusCode: 200, statusDescription: '200 Paid', body: 'x' }) }],
  [
    albMulti,
    { 'lines of one header': () => ({ statusCode: 200, multiValueHeaders: { Link: ['<a>', '<b>'] }, body: 'x' }) },
  ],
];

function inFormOf(kind: EventKind, result: unknown): unknown {
  if (kind !== albMulti || typeof result !== 'object' || result === null) return result;
  const { headers, ...others } = result as { headers?: Record<string, unknown> };
  if (headers === undefined) return result;
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined);
  return { ...others, multiValueHeaders: Object.fromEntries(entries.map(([name, value]) => [name, [value]])) };
}

const cases = eventKinds.flatMap((kind) => {
  const results = { ...commonResults, ...ownResults.find(([own]) => own === kind)?.[1] };
  return Object.entries(results).map(([what, result]) => ({ kind, what, result }));
});

describe.each(storeKinds)('on $name', ({ open }) => {
  async function start(handler: (event: TestEvent) => unknown, options: Partial<IdempotencyOptions<TestEvent>> = {}) {
    const world = await open();
    opened.push(world);
    const wrapped = withIdempotency(handler, { store: world.store, scope: 'public', ...options });
    return async (event: TestEvent): Promise<unknown> => await wrapped(event, contextOf());
  }

  test.each(cases)('$kind.name: $what is returned as it is, and every repeat receives it', async (one) => {
    const { kind, result } = one;
    let runs = 0;
    const results: unknown[] = [];
    const send = await start(() => {
      runs += 1;
      results.push(inFormOf(kind, result(runs)));
      return results.at(-1);
    });
    const event = kind.event({ key: randomUUID() });
    const first = await send(event);
    const repeat = kind.respond(await send(event));
    expect(first).toBe(results[0]);
    expect(runs).toBe(1);
    const { 'idempotent-replayed': replayed, ...headers } = repeat?.headers ?? {};
    expect(replayed).toEqual(['true']);
    expect({ ...repeat, headers }).toEqual(kind.respond(first));
  });

  test.each(eventKinds)('$name: 50 requests at once, of one event object, run once', async (kind) => {
    let runs = 0;
    const handler = async () => {
      runs += 1;
      await new Promise(setImmediate);
      return inFormOf(kind, { statusCode: 201, headers: { 'X-Run': String(runs) }, body: 'paid' });
    };
    const send = await start(handler, { onInProgress: { waitMs: 30_000 } });
    const event = kind.event({ key: randomUUID() });
    const responses = await Promise.all(Array.from({ length: 50 }, async () => kind.respond(await send(event))));
    expect(runs).toBe(1);
    expect(responses.filter((response) => response?.headers['idempotent-replayed'])).toHaveLength(49);
    expect(new Set(responses.map((response) => response?.bytes)).size).toBe(1);
  });

  test.each(eventKinds)('$name: a refusal is a problem document in the form of this sender', async (kind) => {
    const send = await start(() => ({ statusCode: 201, body: 'paid' }));
    const key = randomUUID();
    await send(kind.event({ key }));
    const refusal = kind.respond(await send(kind.event({ key, body: '{"amount":11}' })));
    expect([refusal?.status, refusal?.headers['content-type']]).toEqual([422, ['application/problem+json']]);
    expect(JSON.parse(Buffer.from(refusal?.bytes ?? '', 'hex').toString()).code).toBe('key_reused');
  });
});

async function startOnRedis(handler: (event: TestEvent) => unknown, options: object = {}) {
  const world = await openRedisStore();
  opened.push(world);
  const wrapped = withIdempotency(handler, { store: world.store, scope: 'public', ...options });
  return async (event: TestEvent): Promise<unknown> => await wrapped(event, contextOf());
}

test('Cookies that are recorded come back as cookies, each on a line of its own', async () => {
  const cookies = ['a=1; Path=/', 'b=2'];
  const results: [EventKind, unknown][] = [
    [v1, { statusCode: 200, multiValueHeaders: { 'Set-Cookie': cookies } }],
    [v2, { statusCode: 200, cookies }],
    [alb, { statusCode: 200, headers: { 'set-cookie': cookies[0], 'Set-cookie': cookies[1] } }],
    [albMulti, { statusCode: 200, multiValueHeaders: { 'set-cookie': cookies } }],
  ];
  for (const [kind, result] of results) {
    const send = await startOnRedis(() => result, { omitHeaders: [] });
    await send(kind.event({ key: 'k' }));
    expect([kind.name, kind.respond(await send(kind.event({ key: 'k' })))?.headers['set-cookie']]).toEqual([
      kind.name,
      cookies,
    ]);
  }
});

test('Cookies are not recorded by default', async () => {
  const send = await startOnRedis(() => ({ statusCode: 200, cookies: ['session=1'], body: 'x' }));
  await send(v2.event({ key: 'k' }));
  expect(v2.respond(await send(v2.event({ key: 'k' })))?.headers['set-cookie']).toBeUndefined();
});

test('A record is replayed in the form of the repeat, whatever sent the first request', async () => {
  const send = await startOnRedis(() => ({ statusCode: 200, multiValueHeaders: { Link: ['<a>', '<b>'] }, body: 'x' }));
  await send(v1.event({ key: 'k' }));
  expect(v1.respond(await send(v1.event({ key: 'k' })))?.headers.link).toEqual(['<a>', '<b>']);
  expect(v2.respond(await send(v2.event({ key: 'k' })))?.headers.link).toEqual(['<a>, <b>']);
  expect(albMulti.respond(await send(albMulti.event({ key: 'k' })))?.headers.link).toEqual(['<a>', '<b>']);
});

test.each<[string, Result]>([
  ['no status', () => ({ body: 'x' })],
  ['an invalid status', () => ({ statusCode: 99, body: 'x' })],
  ['an object as body', () => ({ statusCode: 200, body: { paid: true } })],
  ['nothing', () => undefined],
])(
  'A result that API Gateway refuses (%s) is returned as it is, counts as a failure, and is not recorded',
  async (_what, result) => {
    let runs = 0;
    const send = await startOnRedis(() => {
      runs += 1;
      return result(runs);
    });
    const event = v1.event({ key: 'k' });
    expect(await send(event)).toEqual(result(1));
    expect(await send(event)).toEqual(result(2));
    expect(runs).toBe(2);
  },
);

test.each<[string, () => unknown]>([
  ['is larger than maxOutcomeBytes', () => ({ statusCode: 201, body: 'x'.repeat(2_000) })],
  ['is a stream', () => ({ statusCode: 201, body: Readable.from(['x']) })],
  ['has a header that no record can hold', () => ({ statusCode: 201, headers: { 'X-Name': '€' }, body: 'x' })],
])('A response that %s is returned and not run again: its repeat gets 410', async (_what, result) => {
  let runs = 0;
  const given = result();
  const send = await startOnRedis(
    () => {
      runs += 1;
      return given;
    },
    { maxOutcomeBytes: 1_000 },
  );
  expect(await send(v1.event({ key: 'k' }))).toBe(given);
  expect(v1.respond(await send(v1.event({ key: 'k' })))?.status).toBe(410);
  expect(runs).toBe(1);
});
