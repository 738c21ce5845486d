// The helpers for axios, ky, got, undici and TanStack Query, with the real packages: one key for each call, and the retry table.

import { idempotentAxios } from '@onceguard/client/axios';
import { idempotentMutation } from '@onceguard/client/tanstack-query';
import { idempotencyKeys } from '@onceguard/client/undici';
import { dehydrate, hydrate, MutationObserver, onlineManager, QueryClient } from '@tanstack/query-core';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import { afterEach, describe, expect, test } from 'vitest';
import { clients, type Order, sendOrder } from './http-clients.js';
import { type CannedAnswer, openPayments, serveAnswers } from './payments-server.js';
import { startScriptedProxy } from './scripted-proxy.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(() => Promise.all(opened.splice(0).map((server) => server.close())));

async function serve(...answers: CannedAnswer[]) {
  const server = await serveAnswers(answers);
  opened.push(server);
  return server;
}

const problem = (status: number, members: object, headers = {}): CannedAnswer => ({
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: members,
});
const done: CannedAnswer = { status: 201, headers: { 'content-type': 'application/json' }, body: '{}' };
const inProgress = problem(409, { code: 'in_progress', retryable: true }, { 'retry-after': '1' });

describe.each(clients)('With %s', (name, post) => {
  test('a payment whose answer is lost is charged once', async () => {
    const server = await openPayments();
    const proxy = await startScriptedProxy(server.port, [{ kind: 'lose_answer' }]);
    opened.push(server, proxy);
    expect(await post(`http://127.0.0.1:${proxy.port}/payments`, { amount: 20 })).toBe(201);
    expect([server.charges.length, proxy.requests(), new Set(server.received).size]).toEqual([1, 2, 1]);
  });

  test('a call has one key over its retries, and the next call another', async () => {
    const { url, keys } = await serve({ status: 503 }, inProgress, done);
    expect(await post(url, { amount: 20 })).toBe(201);
    expect(await post(url, { amount: 20 })).toBe(201);
    expect([keys.length, new Set(keys.slice(0, 3)).size, new Set(keys).size]).toEqual([4, 1, 2]);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('a running request is awaited as long as the server says', async () => {
    const { url } = await serve(inProgress, done);
    expect(await post(url, { amount: 20 }), 'a request that comes too early gets 400').toBe(201);
  });

  const finals: [number, CannedAnswer][] = [
    [422, problem(422, { code: 'key_reused', retryable: false })],
    [400, { status: 400 }],
    [401, { status: 401 }],
    [410, problem(410, { code: 'expired', retryable: false, completed: true })],
    [409, problem(409, { code: 'outcome_unknown', retryable: false, completed: 'unknown' })],
    [503, { status: 503, headers: { 'retry-after': '3600' } }],
  ];

  test.each(finals)('%d that must not be sent again is not: %j', async (status, answer) => {
    const { url, keys } = await serve(answer, done);
    expect(await post(url, { amount: 20 })).toBe(status);
    expect(keys, name).toHaveLength(1);
  });
});

test('axios: a key of the caller is left as it is, and a GET gets none', async () => {
  const { url, keys } = await serve(done);
  const api = axios.create();
  axiosRetry(api, idempotentAxios(api));
  await api.post(url, {}, { headers: { 'Idempotency-Key': 'mine' } });
  await api.get(url);
  expect(keys).toEqual(['mine', 'undefined']);
});

test.each<[string, unknown]>([
  ['an object', { 'idempotency-KEY': 'mine' }],
  ['pairs', [['Idempotency-Key', 'mine']]],
  ['a flat list', ['Idempotency-Key', 'mine']],
  ['a Headers', new Headers({ 'Idempotency-Key': 'mine' })],
  ['a Map', new Map([['Idempotency-Key', 'mine']])],
])('undici: a key of the caller is left as it is in %s, and other headers stay beside a new one', (_form, headers) => {
  const seen: unknown[] = [];
  const dispatch = idempotencyKeys({ createKey: () => 'new' })(
    (options: { method: string; headers?: unknown }, _handler: null) => {
      seen.push(options.headers);
      return true;
    },
  );
  dispatch({ method: 'POST', headers }, null);
  dispatch({ method: 'GET', headers: { a: 'b' } }, null);
  dispatch({ method: 'POST', headers: ['a', 'b'] }, null);
  dispatch({ method: 'POST' }, null);
  expect(seen).toEqual([headers, { a: 'b' }, { a: 'b', 'Idempotency-Key': 'new' }, { 'Idempotency-Key': 'new' }]);
});

describe('TanStack Query', () => {
  test('two mutations of the same variables have two keys', async () => {
    const { url, keys } = await serve(done);
    const order: Order = { amount: 20 };
    const options = idempotentMutation((sent: Order, { idempotencyKey }) => sendOrder(url, sent, idempotencyKey));
    const client = new QueryClient();
    await Promise.all([1, 2].map(() => new MutationObserver(client, options).mutate(order)));
    expect(new Set(keys).size).toBe(2);
  });

  test('a mutation that was paused and restored after a reload has the key that it was made with', async () => {
    const { url, keys } = await serve(done);
    const made: string[] = [];
    const createKey = () => {
      made.push(`key-${made.length}`);
      return made.at(-1) ?? '';
    };
    const clientOfPage = () => {
      const client = new QueryClient();
      const send = (order: Order, { idempotencyKey }: { idempotencyKey: string }) =>
        sendOrder(url, order, idempotencyKey);
      client.setMutationDefaults(['pay'], idempotentMutation(send, { createKey }));
      return client;
    };
    onlineManager.setOnline(false);
    const before = clientOfPage();
    const abandoned = new MutationObserver(before, { mutationKey: ['pay'] });
    const isPaused = new Promise<void>((resolve) => abandoned.subscribe(({ isPaused }) => isPaused && resolve()));
    void abandoned.mutate({ amount: 20 } as never);
    await isPaused;
    const persisted = JSON.parse(JSON.stringify(dehydrate(before)));
    before.clear();

    const after = clientOfPage();
    hydrate(after, persisted);
    onlineManager.setOnline(true);
    await after.resumePausedMutations();
    expect([keys, made]).toEqual([['key-0'], ['key-0']]);
  });
});
