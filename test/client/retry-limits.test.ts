// When a call ends: its limits, aborts, timers, hooks.
import { EventEmitter, once } from 'node:events';
import { idempotentFetch } from '@onceguard/client';
import { afterEach, describe, expect, test } from 'vitest';
import { type CannedAnswer, serveAnswers } from './payments-server.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(() => Promise.all(opened.splice(0).map((server) => server.close())));

async function serve(...answers: CannedAnswer[]) {
  const server = await serveAnswers(answers);
  opened.push(server);
  return server;
}

const done = { status: 201, body: '{}' };
const _problem = (status: number, members: object, headers = {}): CannedAnswer => ({
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: members,
});

describe('Limits', () => {
  test('retries is how often it is sent again', async () => {
    const { url, keys } = await serve({ status: 503 });
    const pay = idempotentFetch({ retries: 3, baseDelayMs: 1 });
    await expect(pay(url, { method: 'POST' })).rejects.toMatchObject({ code: 'retries_exhausted', attempts: 4 });
    expect([keys.length, new Set(keys).size]).toEqual([4, 1]);
  });

  test('the longest wait of the client is maxDelayMs, whatever its random numbers are', async () => {
    const { url } = await serve({ status: 503 });
    const delays: number[] = [];
    const onRetry = ({ delayMs }: { delayMs: number }) => void delays.push(delayMs);
    const pay = idempotentFetch({ retries: 12, baseDelayMs: 2, maxDelayMs: 8, onRetry });
    await expect(pay(url, { method: 'POST' })).rejects.toThrow('no retries are left');
    expect(delays).toHaveLength(12);
    expect(Math.max(...delays)).toBeLessThanOrEqual(8);
  });

  test('a send that gets no answer ends with tryTimeoutMs, the call with totalTimeoutMs', async () => {
    const { url, keys } = await serve('silence');
    const pay = idempotentFetch({ tryTimeoutMs: 50, totalTimeoutMs: 400, retries: 100, baseDelayMs: 1 });
    await expect(pay(url, { method: 'POST' })).rejects.toMatchObject({
      code: 'retries_exhausted',
      cause: { message: expect.stringContaining('No response within') },
    });
    expect(keys.length).toBeGreaterThan(1);
  });
});

const pendingTimers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

/** Longer than a test may take, so that only the abort can end the call. */
const patient = { tryTimeoutMs: 600_000, totalTimeoutMs: 600_000, maxRetryAfterMs: 600_000 };

describe('An abort', () => {
  const reason = new Error('the customer left');

  test.each<[string, CannedAnswer]>([
    ['while the answer is awaited', 'silence'],
    ['while the next send is awaited', { status: 503, headers: { 'retry-after': '300' } }],
  ])('%s ends the call at once, with the reason, and leaves no timer', async (_when, answer) => {
    const { url } = await serve(answer);
    const before = pendingTimers();
    const controller = new AbortController();
    const sent = new EventEmitter();
    const wasSent = once(sent, 'sent');
    const pay = idempotentFetch({
      ...patient,
      onRetry: () => void sent.emit('sent'),
      fetch: async (...args) => {
        if (answer === 'silence') sent.emit('sent');
        return await fetch(...args);
      },
    });
    const call = pay(url, { method: 'POST', signal: controller.signal });
    await wasSent;
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(pendingTimers()).toBeLessThanOrEqual(before);
  });

  test('before the call sends nothing', async () => {
    const { url, keys } = await serve(done);
    await expect(idempotentFetch()(url, { method: 'POST', signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(
      idempotentFetch()(new Request(url, { method: 'POST', signal: AbortSignal.abort(reason) })),
    ).rejects.toBe(reason);
    expect(keys).toEqual([]);
  });

  test('ends a call whose fetch does not listen to its signal', async () => {
    const controller = new AbortController();
    const deaf = idempotentFetch({ ...patient, fetch: () => new Promise(() => undefined) });
    const call = deaf('http://127.0.0.1/', { method: 'POST', signal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  test('leaves the call open, so that it can be resumed under its key', async () => {
    const { url, keys } = await serve('silence', done);
    const controller = new AbortController();
    const pay = idempotentFetch({ tryTimeoutMs: 500, baseDelayMs: 1, onRetry: () => controller.abort(reason) });
    await expect(pay(url, { method: 'POST', idempotencyKey: 'k', signal: controller.signal })).rejects.toBe(reason);
    expect((await pay.resume('k')).ok).toBe(true);
    expect(keys).toEqual(['k', 'k']);
  });
});

test('A call that ends leaves no timer behind, whatever it got', async () => {
  const before = pendingTimers();
  for (const answers of [[done], [{ status: 503 }, done], ['reset'], [{ status: 422 }]] satisfies CannedAnswer[][]) {
    const { url } = await serve(...answers);
    await idempotentFetch({ retries: 1, baseDelayMs: 1 })(url, { method: 'POST' }).catch(() => undefined);
  }
  expect(pendingTimers()).toBeLessThanOrEqual(before);
});

test('Hooks see every retry and the end, and an error of theirs changes nothing', async () => {
  const { url } = await serve('reset', { status: 503 }, done);
  const seen: unknown[] = [];
  const pay = idempotentFetch({
    baseDelayMs: 1,
    createKey: () => 'k',
    onRetry: ({ key, attempts, response, error }) =>
      void seen.push([key, attempts, response?.status, error instanceof TypeError]),
    onFinal: ({ key, attempts, response, error }) => {
      seen.push([key, attempts, response?.status, error]);
      throw new Error('of the hook');
    },
  });
  expect((await pay(url, { method: 'POST' })).status).toBe(201);
  expect(seen).toEqual([
    ['k', 1, undefined, true],
    ['k', 2, 503, false],
    ['k', 3, 201, undefined],
  ]);
});
