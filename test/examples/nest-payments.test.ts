// The example runs as its file says: the real Nest, with a guard, a pipe, an interceptor and a filter.
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { listeningPort, startProgram } from './run-program.js';

let child: ChildProcess;
let port: number;

beforeAll(async () => {
  // tsx reads it in the folder examples, where the file says to run it.
  const tsconfig = fileURLToPath(new URL('../../examples/tsconfig.json', import.meta.url));
  child = startProgram('nest-payments/index.ts', [], { PORT: '0', TSX_TSCONFIG_PATH: tsconfig });
  port = await listeningPort(child);
});
afterAll(() => child.kill('SIGKILL'));

const pay = async (key: string | undefined, amount: unknown, token = 'Bearer alice-token') =>
  await send(port, { path: '/payments', key, headers: { authorization: token }, body: { amount } });

describe('nest-payments', () => {
  test('charges once for a repeated request, and keeps the keys of two users apart', async () => {
    const [first, repeat] = [await pay('order-17', 20), await pay('order-17', 20)];
    expect(first.status).toBe(201);
    expect([repeat.text, repeat.headers['idempotent-replayed']]).toEqual([first.text, 'true']);
    expect((await pay('order-17', 20, 'Bearer bob-token')).json().id).not.toBe(first.json().id);
    expect((await pay('order-17', 21)).status).toBe(422);
  });

  test('refuses an unknown user, also for a repeat, and a payment without a key', async () => {
    await pay('order-18', 20);
    expect((await pay('order-18', 20, 'Bearer unknown')).status).toBe(401);
    expect((await pay(undefined, 20)).json().code).toBe('key_missing');
  });

  test('records the response of the filter for a declined card', async () => {
    for (const _ of ['the first', 'a repeat']) {
      const { status, text } = await pay('order-19', 2_000);
      expect([status, text]).toEqual([402, '{"error":"The card was declined."}']);
    }
  });

  test('records what the pipe refuses: a corrected payment needs a new key', async () => {
    expect((await pay('order-20', 'twenty')).status).toBe(400);
    expect((await pay('order-20', 20)).status).toBe(422);
    expect((await pay('order-21', 20)).status).toBe(201);
  });
});
