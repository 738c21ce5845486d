import { idempotentFetch, judgeResponse, type ProblemMembers, readRetryAfter, type Verdict } from '@onceguard/client';
import { afterEach, describe, expect, test } from 'vitest';
import { errorTable } from '../../packages/core/src/errors.js';
import { problemResponse } from '../../packages/core/src/http/problem-document.js';
import { type CannedAnswer, serveAnswers } from './payments-server.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(() => Promise.all(opened.splice(0).map((server) => server.close())));

async function serve(...answers: CannedAnswer[]) {
  const server = await serveAnswers(answers);
  opened.push(server);
  return server;
}

const done = { status: 201, body: '{}' };
const problem = (status: number, members: object, headers = {}): CannedAnswer => ({
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: members,
});

const retried = [408, 425, 429, 500, 502, 503, 504];
const statuses = [
  200, 201, 204, 300, 304, 400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 412, 413, 415, 422, 423, 428, 431, 451,
  501, 505, 507,
];

describe('The table', () => {
  test.each(retried)('sends again after %d', (status) => {
    expect(judgeResponse(status, new Headers())).toBe('retry');
  });

  test.each(statuses)('does not send again after %d', (status) => {
    expect(judgeResponse(status, new Headers())).toBe('final');
  });

  const rows: [status: number, problem: ProblemMembers, headers: Record<string, string>, verdict: Verdict][] = [
    [409, { code: 'in_progress' }, {}, 'retry'],
    [409, { type: 'urn:onceguard:problem:in_progress' }, {}, 'retry'],
    [409, { error: { code: 'idempotency_key_in_use' } }, {}, 'retry'],
    [409, {}, { 'Retry-After': '1' }, 'retry'],
    [409, { retryAfterMs: 10 }, {}, 'retry'],
    [409, { code: 'outcome_unknown' }, { 'Retry-After': '1' }, 'outcome_unknown'],
    [409, { code: 'outcome_unknown', retryable: true }, {}, 'outcome_unknown'],
    [503, { code: 'record_damaged', retryable: false, completed: 'unknown' }, {}, 'outcome_unknown'],
    [503, { retryable: false }, {}, 'final'],
    [500, { retryable: false }, { 'Retry-After': '1' }, 'final'],
    [400, { retryable: true }, {}, 'retry'],
    [410, { code: 'expired', retryable: false, completed: true }, {}, 'final'],
    [422, { code: 'key_reused' }, {}, 'key_reused'],
    [422, { code: 'key_reused', retryable: false }, { 'Retry-After': '1' }, 'key_reused'],
    [400, { error: { type: 'idempotency_error' } }, {}, 'key_reused'],
    [422, {}, { 'Retry-After': '1' }, 'final'],
    [401, {}, { 'Retry-After': '1' }, 'final'],
    [403, {}, { 'Retry-After': '1' }, 'final'],
    [500, {}, { 'Idempotent-Replayed': 'true' }, 'final'],
    [503, { code: 'store_unavailable', retryable: true }, { 'Idempotent-Replayed': 'true' }, 'retry'],
    [500, {}, { 'Stripe-Should-Retry': 'false' }, 'final'],
    [400, {}, { 'Stripe-Should-Retry': 'true' }, 'retry'],
    [500, { error: null, code: null, type: 7 }, {}, 'retry'],
  ];

  test.each(rows)('%d %j %j: %s', (status, members, headers, verdict) => {
    expect(judgeResponse(status, new Headers(headers), members)).toBe(verdict);
  });

  test.each(Object.entries(errorTable))(
    'sends again after the refusal %s of a server of ours only if it says so',
    (code, entry) => {
      const { body, headers, status } = problemResponse(code as keyof typeof errorTable);
      const flat = new Headers(headers.map(([name, value]) => [name, String(value)] as [string, string]));
      const verdict = judgeResponse(status, flat, JSON.parse(Buffer.from(body).toString()));
      expect(verdict === 'retry').toBe(entry.retryable);
    },
  );

  test.each(['POST', 'PATCH', 'PUT', 'DELETE', 'PURGE'])('is the same for the method %s', async (method) => {
    const { url, keys } = await serve({ status: 503 }, problem(409, { code: 'in_progress', retryAfterMs: 1 }), done);
    const response = await idempotentFetch({ baseDelayMs: 1 })(url, { method });
    expect([response.status, keys.length, new Set(keys).size]).toEqual([201, 3, 1]);
    const refused = await serve({ status: 422 }, done);
    expect((await idempotentFetch()(refused.url, { method })).status).toBe(422);
    expect(refused.keys).toHaveLength(1);
  });

  test('may be overridden, and only where shouldRetry decides', async () => {
    const { url, keys } = await serve({ status: 418 }, { status: 404 }, { status: 500 });
    const decided = idempotentFetch({
      baseDelayMs: 1,
      shouldRetry: ({ status }) => (status === 404 ? undefined : status === 418),
    });
    expect((await decided(url, { method: 'POST' })).status).toBe(404);
    expect(keys).toHaveLength(2);
  });
});

describe('Retry-After', () => {
  const forms: [form: string, headers: Record<string, string>, retryAfterMs: unknown, expected: number | undefined][] =
    [
      ['seconds', { 'Retry-After': '3' }, undefined, 3_000],
      [
        'a date, by the clock of the server',
        { 'Retry-After': 'Wed, 21 Oct 2026 07:28:10 GMT', Date: 'Wed, 21 Oct 2026 07:28:00 GMT' },
        undefined,
        10_000,
      ],
      ['a date that is over', { 'Retry-After': 'Wed, 21 Oct 2015 07:28:00 GMT' }, undefined, 0],
      ['milliseconds of a problem, which are exact', { 'Retry-After': '1' }, 120, 120],
      ['zero', { 'Retry-After': '0' }, undefined, 0],
      ['nonsense', { 'Retry-After': 'soon' }, 'soon', undefined],
      ['a negative number', { 'Retry-After': '-5' }, -5, undefined],
      ['nothing', {}, undefined, undefined],
    ];

  test.each(forms)('is read as %s', (form, headers, retryAfterMs, expected) => {
    if (form === 'a negative number') expect(readRetryAfter(new Headers(headers), retryAfterMs) ?? 0).toBe(0);
    else expect(readRetryAfter(new Headers(headers), retryAfterMs)).toBe(expected);
  });

  test('is a date by the clock of this device where the response has none', () => {
    const inTenSeconds = new Date(Date.now() + 10_000).toUTCString();
    const ms = readRetryAfter(new Headers({ 'Retry-After': inTenSeconds })) ?? 0;
    expect(ms).toBeGreaterThan(8_000);
    expect(ms).toBeLessThanOrEqual(10_000);
  });

  test.each<[string, CannedAnswer, number]>([
    ['seconds', { status: 503, headers: { 'retry-after': '1' } }, 1_000],
    [
      'a date',
      {
        status: 503,
        headers: { 'retry-after': 'Wed, 21 Oct 2026 07:28:01 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' },
      },
      1_000,
    ],
    ['retryAfterMs', problem(503, { retryAfterMs: 120 }), 120],
  ])('is obeyed: %s', async (_form, answer, waitMs) => {
    const { url } = await serve(answer, done);
    const delays: number[] = [];
    const pay = idempotentFetch({ baseDelayMs: 1, onRetry: ({ delayMs }) => void delays.push(delayMs) });
    expect((await pay(url, { method: 'POST' })).status).toBe(201);
    expect(delays).toEqual([waitMs]);
  });

  test.each<[string, object, string]>([
    ['maxRetryAfterMs', { maxRetryAfterMs: 1_000 }, 'the server asks for 3600000 ms'],
    ['the rest of totalTimeoutMs', { maxRetryAfterMs: 2 ** 31 - 1, totalTimeoutMs: 5_000 }, 'the time is over'],
  ])('is never slept for where it is longer than %s: the call ends at once', async (_limit, limits, message) => {
    const { url, keys } = await serve({ status: 503, headers: { 'retry-after': '3600' } });
    const error = await idempotentFetch(limits)(url, { method: 'POST' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'retries_exhausted',
      message: expect.stringContaining(message),
      retryAfterMs: 3_600_000,
      response: { status: 503 },
    });
    expect(keys).toHaveLength(1);
  });
});
