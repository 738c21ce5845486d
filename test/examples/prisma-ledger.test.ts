// Runs the ledger of examples/prisma-ledger as a reader would, and retries its requests.
import { type ChildProcess, execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../packages/source-trees.js';
import { generatePrismaClient, prismaExample } from '../support/prisma-client.js';
import { createLedgerDatabase, type LedgerDatabase } from './ledger-database.js';
import { listeningPort, startProgram } from './run-program.js';

let database: LedgerDatabase;
let ledger: ChildProcess;
let port = 0;

beforeAll(async () => {
  await generatePrismaClient();
  database = await createLedgerDatabase();
  ledger = startProgram('prisma-ledger/server.ts', [], { DATABASE_URL: database.url });
  port = await listeningPort(ledger);
  await database.pool.query(`INSERT INTO accounts VALUES ('alice', 100), ('bob', 0)`);
}, 120_000);

afterAll(async () => {
  ledger.kill('SIGTERM');
  await once(ledger, 'exit');
  await database.drop();
});

async function transfer(key: string, body: object) {
  const response = await fetch(`http://127.0.0.1:${port}/transfers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key, 'x-user': 'alice' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

async function balances(): Promise<Record<string, number>> {
  const { rows } = await database.pool.query('SELECT id, cents FROM accounts');
  return Object.fromEntries(rows.map(({ id, cents }) => [id, cents]));
}

test('A transfer that is sent three times at once moves the money once, and all three get one response or 409', async () => {
  const key = randomUUID();
  const order = { receiver: 'bob', cents: 30 };
  const answers = await Promise.all([1, 2, 3].map(() => transfer(key, order)));
  expect(answers.map(({ status }) => status).filter((status) => status !== 409 && status !== 201)).toEqual([]);
  expect(await transfer(key, order)).toMatchObject({ status: 201, body: { id: 1 } });
  expect(await balances()).toEqual({ alice: 70, bob: 30 });
});

test('A transfer to nobody is rolled back as a whole, and its key is free', async () => {
  const key = randomUUID();
  expect(await transfer(key, { receiver: 'nobody', cents: 10 })).toMatchObject({ status: 500 });
  expect(await balances()).toEqual({ alice: 70, bob: 30 });
  await database.pool.query(`INSERT INTO accounts VALUES ('nobody', 0)`);
  expect(await transfer(key, { receiver: 'nobody', cents: 10 })).toMatchObject({ status: 201 });
  expect(await balances()).toEqual({ alice: 60, bob: 30, nobody: 10 });
});

test('The program compiles: the transaction has the models of the schema', async () => {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = await promisify(execFile)(process.execPath, [compiler, '-p', prismaExample]);
  expect(stdout).toBe('');
}, 120_000);
