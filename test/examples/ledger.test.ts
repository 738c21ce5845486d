// Runs the ledger of examples/ledger as a reader would, and retries its requests.
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { createLedgerDatabase, type LedgerDatabase } from './ledger-database.js';
import { listeningPort, startProgram } from './run-program.js';

let database: LedgerDatabase;
let queue: Queue;
let ledger: ChildProcess;
let port = 0;

beforeAll(async () => {
  database = await createLedgerDatabase();
  queue = new Queue('notifications', { connection: { url: redisUrl() } });
  ledger = startProgram('ledger/server.ts', [], { DATABASE_URL: database.url, REDIS_URL: redisUrl() });
  port = await listeningPort(ledger);
  await database.pool.query(`INSERT INTO accounts VALUES ('alice', 100), ('bob', 0)`);
});

afterAll(async () => {
  ledger.kill('SIGTERM');
  await once(ledger, 'exit');
  await queue.obliterate({ force: true });
  await queue.close();
  await database.drop();
});

async function transfer(key: string, cents: number) {
  const response = await fetch(`http://127.0.0.1:${port}/transfers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key, 'x-user': 'alice' },
    body: JSON.stringify({ receiver: 'bob', cents }),
  });
  return { status: response.status, body: await response.json() };
}

async function balances(): Promise<Record<string, number>> {
  const { rows } = await database.pool.query('SELECT id, cents::int FROM accounts');
  return Object.fromEntries(rows.map(({ id, cents }) => [id, cents]));
}

test('A transfer that is sent three times at once moves the money once, and all three get one response or 409', async () => {
  const key = randomUUID();
  const answers = await Promise.all([1, 2, 3].map(() => transfer(key, 30)));
  expect(new Set(answers.map(({ status }) => status).filter((status) => status !== 409))).toEqual(new Set([201]));
  expect(await transfer(key, 30)).toMatchObject({ status: 201, body: { left: 70 } });
  expect(await balances()).toEqual({ alice: 70, bob: 30 });
});

test('A transfer without enough money is refused, also when it is repeated after money has come', async () => {
  const key = randomUUID();
  expect(await transfer(key, 1_000)).toMatchObject({ status: 402 });
  expect(await transfer(key, 1_000)).toMatchObject({ status: 402 });
  expect(await balances()).toEqual({ alice: 70, bob: 30 });
});

test('Each transfer puts one job into the queue', async () => {
  await expect
    .poll(async () => (await queue.getJobs()).map(({ data }) => data))
    .toMatchObject([{ receiver: 'bob', cents: 30 }]);
});
