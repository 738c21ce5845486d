// Runs the ledger of examples/ledger as a reader would, and retries its requests.
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Queue } from 'bullmq';
import { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { postgresUrl } from '../support/shared-postgres.js';
import { listeningPort, startProgram } from './run-program.js';

const database = `ledger_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
let admin: Pool;
let pool: Pool;
let queue: Queue;
let ledger: ChildProcess;
let port = 0;

beforeAll(async () => {
  admin = new Pool({ connectionString: await postgresUrl() });
  await admin.query(`CREATE DATABASE ${database}`);
  const url = new URL(await postgresUrl());
  url.pathname = `/${database}`;
  pool = new Pool({ connectionString: url.href });
  queue = new Queue('notifications', { connection: { url: redisUrl() } });
  ledger = startProgram('ledger/server.ts', [], { DATABASE_URL: url.href, REDIS_URL: redisUrl() });
  port = await listeningPort(ledger);
  await pool.query(`INSERT INTO accounts VALUES ('alice', 100), ('bob', 0)`);
});

afterAll(async () => {
  ledger.kill('SIGTERM');
  await once(ledger, 'exit');
  await queue.obliterate({ force: true });
  await queue.close();
  await pool.end();
  await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
  await admin.end();
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
  const { rows } = await pool.query('SELECT id, cents::int FROM accounts');
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
