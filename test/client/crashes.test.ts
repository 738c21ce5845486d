// Processes that die: a client between store and send, clients that begin together, a server in the middle of a payment.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { idempotentFetch } from '@onceguard/client';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { reservePort } from '../../packages/testing/src/servers/reserved-port.js';
import { compiledProgram } from '../support/programs.js';
import { redisUrl } from '../support/redis.js';
import { openPayments, type PaymentsServer } from './payments-server.js';

const folder = mkdtempSync(join(tmpdir(), 'onceguard-crashes-'));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(program: string, args: readonly string[]): Promise<ChildProcess> {
  const file = await compiledProgram(new URL(`processes/${program}`, import.meta.url));
  const env = { ...process.env, REDIS_URL: redisUrl() };
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  children.push(child);
  return child;
}

async function outputOf(child: ChildProcess): Promise<{ text: string; signal: unknown }> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [, signal] = await once(child, 'close');
  return { text, signal };
}

describe('A client that pays with its keys in files', () => {
  let server: PaymentsServer;
  let directory: string;
  const run = async (crash = '') => await outputOf(await start('paying-client.ts', [server.url, directory, crash]));

  beforeEach(async () => {
    server = await openPayments();
    directory = mkdtempSync(join(folder, 'keys-'));
    return () => server.close();
  });

  test.each(['before-send', 'before-answer'])('and is killed %s pays once when it is started again', async (crash) => {
    expect((await run(crash)).signal).toBe('SIGKILL');
    const { text } = await run();
    expect(text).toMatch(/^201 \{"charge":1,/);
    expect([server.charges.length, new Set(server.received).size]).toEqual([1, 1]);
  });

  test('in four processes at once pays once, and each of them gets the answer', async () => {
    const outputs = await Promise.all([run(), run(), run(), run()]);
    expect(outputs.map(({ text }) => text.slice(0, 15))).toEqual(Array(4).fill('201 {"charge":1'));
    expect([server.charges.length, new Set(server.received).size]).toEqual([1, 1]);
  });
});

test('A server that is killed in the middle of a payment and started again: the caller gets the answer, and it is charged once', async () => {
  const reserved = await reservePort();
  const port = String(reserved.port);
  const prefix = `client-${randomUUID()}:`;
  const charges: string[] = [];
  const startServer = async () => {
    const child = await start('payments-process.ts', [port, prefix]);
    const lines = createInterface(child.stdout ?? expect.unreachable());
    lines.on('line', (line) => line.startsWith('charged') && charges.push(line));
    await once(lines, 'line');
    return { child, begun: once(lines, 'line') };
  };

  const first = await startServer();
  const pay = idempotentFetch({ retries: 100, baseDelayMs: 20, maxDelayMs: 200, createKey: () => 'order-1' });
  const headers = { 'Content-Type': 'application/json' };
  const call = pay(`http://127.0.0.1:${port}/payments`, { method: 'POST', headers, body: '{"amount":20,"ms":60000}' });
  await first.begun;
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  await startServer();
  const response = await call;
  expect([response.status, await response.json(), charges]).toEqual([201, { amount: 20 }, ['charged order-1']]);
  reserved.release();
});
