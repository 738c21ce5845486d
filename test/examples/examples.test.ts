// Each example runs as its file says, and shows what it promises.
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { redisUrl } from '../support/redis.js';
import { listeningPort, runToEnd, startProgram } from './run-program.js';

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

async function listen(file: string, env: Record<string, string> = {}): Promise<number> {
  const child = startProgram(file, [], { PORT: '0', ...env });
  running.push(child);
  return await listeningPort(child);
}

describe('express-payments', () => {
  test('charges once for a repeated request, and keeps the keys of two users apart', async () => {
    const port = await listen('express-payments/index.ts');
    const pay = async (user: string, amount: unknown = 20) =>
      await send(port, { path: '/payments', key: 'order-17', headers: { authorization: user }, body: { amount } });

    const first = await pay('Bearer alice-token');
    const repeat = await pay('Bearer alice-token');
    const bobs = await pay('Bearer bob-token');
    const other = await pay('Bearer alice-token', 21);

    expect(first.status).toBe(201);
    expect(repeat.body.equals(first.body)).toBe(true);
    expect(repeat.headers['idempotent-replayed']).toBe('true');
    expect(bobs.json().id).not.toBe(first.json().id);
    expect(other.status).toBe(422);
  });

  test('rejects a payment without a key', async () => {
    const port = await listen('express-payments/index.ts');
    const response = await send(port, { path: '/payments', headers: { authorization: 'Bearer alice-token' } });
    expect([response.status, response.json().code]).toEqual([400, 'key_missing']);
  });
});

describe('koa-orders', () => {
  test('two processes on one Redis give a repeated order one number', async () => {
    const env = { REDIS_URL: redisUrl(), PREFIX: `koa-orders:${randomUUID()}:` };
    const ports = await Promise.all([listen('koa-orders/index.ts', env), listen('koa-orders/index.ts', env)]);
    const order = async (port: number) =>
      await send(port, { path: '/orders', key: 'cart-9', headers: { 'x-user': 'alice' }, body: { item: 'tea' } });

    const responses = await Promise.all([...ports, ...ports].map(order));

    expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(responses.map(({ text }) => text))).toEqual(
      new Set(['{"number":1,"ordered":{"item":"tea"},"by":"alice"}']),
    );
  });
});

describe('webhook-handler', () => {
  test('books an event once however often it is delivered, and rejects another one under its id', async () => {
    const { status, text } = await runToEnd('webhook-handler/index.ts');
    expect(text.split('\n').filter((line) => /^\d+$/.test(line))).toEqual(['200', '200', '422']);
    expect(text).toContain('alice was credited 500 cents');
    expect(status).toBe(0);
  });
});
