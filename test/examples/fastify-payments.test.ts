// The example of a payment endpoint on Fastify runs as its file says, and shows what it promises.
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RequestToSend, send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { listeningPort, startProgram } from './run-program.js';

let child: ChildProcess;
let port: number;
beforeAll(async () => {
  child = startProgram('fastify-payments/index.ts', [], { PORT: '0' });
  port = await listeningPort(child);
});
afterAll(() => void child.kill('SIGKILL'));

const alice = { authorization: 'Bearer alice-token' };
const pay = async (sent: RequestToSend) =>
  await send(port, { path: '/payments', body: { amount: 20, currency: 'EUR' }, ...sent });

describe('fastify-payments', () => {
  test('charges once for a repeated request, and keeps the keys of two users apart', async () => {
    const first = await pay({ key: 'order-17', headers: alice });
    const repeat = await pay({ key: 'order-17', headers: alice });
    const bobs = await pay({ key: 'order-17', headers: { authorization: 'Bearer bob-token' } });
    const other = await pay({ key: 'order-17', headers: alice, body: { amount: 21, currency: 'EUR' } });

    expect(first.json()).toEqual({ id: 'charge_1', amount: 20, currency: 'EUR' });
    expect([repeat.status, repeat.text, repeat.headers.location]).toEqual([201, first.text, '/payments/charge_1']);
    expect(repeat.headers['idempotent-replayed']).toBe('true');
    expect(bobs.json().id).toBe('charge_2');
    expect(other.status).toBe(422);
  });

  test('gives a repeat the headers of helmet and cors, but not the cookie of the first', async () => {
    const headers = { ...alice, origin: 'https://shop.example' };
    const responses = [await pay({ key: 'order-18', headers }), await pay({ key: 'order-18', headers })];
    expect(responses.map((response) => response.headers['access-control-allow-origin'])).toEqual(
      Array(2).fill('https://shop.example'),
    );
    expect(responses.map((response) => response.headers['x-content-type-options'])).toEqual(['nosniff', 'nosniff']);
    expect(responses.map((response) => response.headers['set-cookie'])).toEqual([
      [expect.stringContaining('last-payment=')],
      undefined,
    ]);
  });

  test('rejects a payment without a key, of nobody, and of no amount, and none of them uses a key up', async () => {
    expect((await pay({ headers: alice })).json()).toMatchObject({ status: 400, code: 'key_missing' });
    expect((await pay({ key: 'order-19' })).status).toBe(401);
    expect((await pay({ key: 'order-19', headers: alice, body: { amount: 0, currency: 'EUR' } })).status).toBe(400);
    expect((await pay({ key: 'order-19', headers: alice })).status).toBe(201);
  });
});
