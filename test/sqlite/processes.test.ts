// Several processes on one file, and processes that are killed.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { compiledProgram } from '../support/programs.js';
import { newDirectory, openBeside } from './sqlite-libraries.js';

let programs: { readonly paying: string; readonly payingInTransactions: string };

beforeAll(async () => {
  const compiled = async (name: string) => await compiledProgram(new URL(`processes/${name}`, import.meta.url));
  programs = {
    paying: await compiled('paying-process.ts'),
    payingInTransactions: await compiled('transaction-process.ts'),
  };
});

let directory: ReturnType<typeof newDirectory>;

beforeEach(() => {
  directory = newDirectory();
});

afterEach(() => directory.remove());

/** The lease of an order. A process that is killed holds the next one up for that long. */
const leases = { brief: 1_000, long: 60_000 };

function startPaying(
  orders: number,
  leaseMs: number,
  program = programs.paying,
): {
  readonly process: ChildProcess;
  readonly paid: Set<number>;
  ended: Promise<unknown>;
} {
  const settings = {
    path: join(directory.path, 'records.db'),
    ledger: join(directory.path, 'ledger'),
    orders,
    leaseMs,
  };
  const child = fork(program, [JSON.stringify(settings)], { execArgv: ['--no-warnings'] });
  const paid = new Set<number>();
  child.on('message', ({ order }: { order: number }) => paid.add(order));
  return { process: child, paid, ended: once(child, 'exit') };
}

const startPayingInTransactions = (orders: number) => startPaying(orders, leases.long, programs.payingInTransactions);

/** How often each order was paid. */
function payments(): Map<number, number> {
  const ledger = join(directory.path, 'ledger');
  const counts = new Map<number, number>();
  const lines = existsSync(ledger) ? readFileSync(ledger, 'utf8').trim().split('\n') : [];
  for (const line of lines) counts.set(Number(line), (counts.get(Number(line)) ?? 0) + 1);
  return counts;
}

test('of four processes that pay the same orders at once, one pays each, and all get its result', async () => {
  const orders = 150;
  const started = Array.from({ length: 4 }, () => startPaying(orders, leases.long));
  await Promise.all(started.map(({ ended }) => ended));
  for (const { paid, process: child } of started) expect([child.exitCode, paid.size]).toEqual([0, orders]);
  expect([...payments()].filter(([, times]) => times !== 1)).toEqual([]);
  expect(payments().size).toBe(orders);
});

test('an order that was paid before its process was killed is not paid again; one in progress is, once its lease is over', async () => {
  const orders = 100;
  let killed = 0;
  for (const killAfter of [1, 7, 23, 40, 61, 85]) {
    const { process: child, paid, ended } = startPaying(orders, leases.brief);
    child.on('message', () => paid.size >= killAfter && child.kill('SIGKILL'));
    await ended;
    killed += child.signalCode === 'SIGKILL' ? 1 : 0;
  }
  const last = startPaying(orders, leases.brief);
  await last.ended;
  expect(killed).toBe(6);
  expect([last.process.exitCode, last.paid.size, payments().size]).toEqual([0, orders, orders]);
  // Each kill interrupts one order at most.
  const repeated = [...payments().values()].filter((times) => times > 1);
  expect(repeated.length).toBeLessThanOrEqual(killed);
});

test('In transactions each order has one payment exactly if it has a record, however often processes are killed', async () => {
  const orders = 120;
  const beside = openBeside(join(directory.path, 'records.db'));
  try {
    beside.exec('PRAGMA journal_mode = WAL');
    beside.exec('CREATE TABLE payments (order_number INTEGER)');
    const count = (table: string) =>
      Number((beside.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n);
    for (let round = 0; round < 5; round += 1) {
      // Two at once, and the one that is killed may be in the midst of any order.
      const started = [startPayingInTransactions(orders), startPayingInTransactions(orders)];
      for (const { process: child } of started) {
        let seen = 0;
        child.on('message', () => (++seen > 20 * round ? child.kill('SIGKILL') : undefined));
      }
      await Promise.all(started.map(({ ended }) => ended));
      expect(started.map(({ process: child }) => child.signalCode)).toEqual(['SIGKILL', 'SIGKILL']);
      expect(count('payments')).toBe(count("onceguard_records WHERE state = 'completed'"));
    }
    const last = startPayingInTransactions(orders);
    await last.ended;
    expect([last.process.exitCode, last.paid.size, count('payments')]).toEqual([0, orders, orders]);
    expect(count('(SELECT DISTINCT order_number FROM payments)')).toBe(orders);
  } finally {
    beside.close();
  }
});
