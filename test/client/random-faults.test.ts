// 200 random scripts of faults: whatever a network does, one charge, and the answer or an error that says what to do.
import { idempotentFetch, RetriesExhaustedError } from '@onceguard/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPayments, type PaymentsServer } from './payments-server.js';
import { scriptOf } from './random-scripts.js';
import { startScriptedProxy } from './scripted-proxy.js';

const firstSeed = Number(process.env.CLIENT_SEED ?? 1);
const seeds = Array.from({ length: 200 }, (_, index) => firstSeed + index);
let server: PaymentsServer;

beforeAll(async () => {
  server = await openPayments();
});

afterAll(() => server.close());

test.each(seeds)('Seed %d: one charge, and the answer, at the latest after resume', async (seed) => {
  const script = scriptOf(seed);
  const proxy = await startScriptedProxy(server.port, script);
  const what = `seed ${seed}: ${JSON.stringify(script)}`;
  const key = `seed-${seed}`;
  const pay = idempotentFetch({ retries: 3, baseDelayMs: 2, tryTimeoutMs: 250, createKey: () => key });
  const body = JSON.stringify({ amount: seed + 1_000 });
  const headers = { 'Content-Type': 'application/json' };
  let response: Response | undefined;
  const outcomes: string[] = [];
  for (let call = 0; response === undefined && call < 5; call += 1) {
    const sent =
      call === 0 ? pay(`http://127.0.0.1:${proxy.port}/payments`, { method: 'POST', headers, body }) : pay.resume(key);
    response = await sent.catch((error: unknown) => {
      if (!(error instanceof RetriesExhaustedError)) throw error;
      outcomes.push(error.message);
      return undefined;
    });
  }
  expect(response?.status, `${what}, ${outcomes}`).toBe(201);
  expect(await response?.json(), what).toMatchObject({ amount: seed + 1_000, filler: 'x'.repeat(2_000) });
  expect(
    server.charges.filter((charged) => charged === key),
    what,
  ).toEqual([key]);
  await proxy.close();
});
