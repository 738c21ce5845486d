// Messages that exist exactly if their transaction was committed, and relays that publish them.
import { randomUUID } from 'node:crypto';
import { deriveKeyFromRecordName, makeIdempotent, type OperationContext } from '@onceguard/core';
import { pgTransactions, type RelayedMessage, type RelayOptions } from '@onceguard/postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createGate } from './gate.js';
import { openTransactionTestbed, type TransactionTestbed } from './transaction-testbed.js';

let testbed: TransactionTestbed;
const relays: { readonly stopping: AbortController; readonly ended: Promise<void> }[] = [];

beforeAll(async () => {
  testbed = await openTransactionTestbed();
});

afterEach(async () => {
  for (const { stopping, ended } of relays.splice(0)) {
    stopping.abort();
    await ended;
  }
  await testbed.database.admin.query(`DELETE FROM ${testbed.database.schema}.onceguard_outbox`);
});

afterAll(async () => await testbed.close());

/** Runs `send` in a transaction. */
async function inTransaction(send: (context: OperationContext) => unknown, key = randomUUID()): Promise<void> {
  const { store, transaction } = testbed;
  await makeIdempotent(async (_key: string, context) => void (await send(context)), {
    store,
    scope: 'shop',
    key: (given) => given,
    transaction,
  })(key);
}

type Publish = (message: RelayedMessage) => unknown;

/** Starts a relay. Its messages are in the order in which the handler has resolved. */
function startRelay(publish: Publish = () => {}, options: Partial<RelayOptions> = {}) {
  const stopping = new AbortController();
  const published: RelayedMessage[] = [];
  const errors: unknown[] = [];
  const ended = testbed.store.relay(
    async (message) => {
      await publish(message);
      published.push(message);
    },
    {
      transactions: pgTransactions(testbed.database.pool()) as RelayOptions['transactions'],
      signal: stopping.signal,
      onError: (error) => errors.push(error),
      pollMs: 20,
      ...options,
    },
  );
  relays.push({ stopping, ended });
  return { published, errors, stopping, ended };
}

async function countMessages(): Promise<number> {
  const { rows } = await testbed.database.admin.query(
    `SELECT count(*)::int AS n FROM ${testbed.database.schema}.onceguard_outbox`,
  );
  return rows[0].n;
}

const textsOf = (messages: readonly RelayedMessage[]) => messages.map(({ payload }) => payload.toString());

test('A message is published after the commit with its topic, its bytes and an id that follows from the record, and then deleted', async () => {
  let recordName = '';
  let id = '';
  await inTransaction(async (context) => {
    recordName = context.recordName;
    id = await context.enqueue('payment.made', Buffer.from([0, 255, 10]));
    expect(await countMessages()).toBe(0);
  });
  const { published } = startRelay();
  await expect.poll(() => countMessages(), { interval: 10 }).toBe(0);
  expect(published).toMatchObject([{ id, recordName, topic: 'payment.made', orderingKey: recordName, failures: 0 }]);
  expect([...(published[0]?.payload ?? [])]).toEqual([0, 255, 10]);
  expect(id).toBe(deriveKeyFromRecordName(recordName, 'onceguard outbox 1 0 payment.made'));
});

test('A message of an operation that throws is not there', async () => {
  const failing = inTransaction(async (context) => {
    await context.enqueue('payment.made', 'never');
    throw new Error('declined');
  });
  await expect(failing).rejects.toThrow('declined');
  expect(await countMessages()).toBe(0);
});

test('A message has the same id in whatever attempt of its work, and each message of one attempt has its own', async () => {
  const key = randomUUID();
  const ids: string[][] = [];
  const failures = [new Error('first attempt')];
  const send = async (context: OperationContext) => {
    ids.push([await context.enqueue('a', '1'), await context.enqueue('a', '2'), await context.enqueue('b', '1')]);
    const failure = failures.pop();
    if (failure !== undefined) throw failure;
  };
  await expect(inTransaction(send, key)).rejects.toThrow('first attempt');
  await inTransaction(send, key);
  expect(ids[0]).toEqual(ids[1]);
  expect(new Set(ids[0]).size).toBe(3);
});

test('What is enqueued after the operation has returned is refused, and arguments that no message can have too', async () => {
  let late: OperationContext | undefined;
  await inTransaction(async (context) => {
    late = context;
    const refused = { code: 'argument_invalid' };
    await expect(context.enqueue('', 'x')).rejects.toMatchObject(refused);
    await expect(context.enqueue('t', { a: 1 } as never)).rejects.toMatchObject(refused);
    await expect(context.enqueue('t', 'x', { orderingKey: '' })).rejects.toMatchObject(refused);
  });
  await expect(late?.enqueue('t', 'x')).rejects.toMatchObject({ code: 'transaction_over' });
  expect(await countMessages()).toBe(0);
});

test('Messages of one ordering key are published one after the other in the order of their commits, by several relays', async () => {
  const started: string[] = [];
  const running = new Map<string, number>();
  let overlaps = 0;
  const publish = async ({ orderingKey, payload }: RelayedMessage) => {
    const count = (running.get(orderingKey) ?? 0) + 1;
    running.set(orderingKey, count);
    if (count > 1) overlaps += 1;
    await new Promise((resolve) => setImmediate(resolve));
    started.push(payload.toString());
    running.set(orderingKey, count - 1);
  };
  for (let n = 0; n < 10; n += 1) {
    const send = (account: string) =>
      inTransaction((context) => context.enqueue('moved', `${account} ${n}`, { orderingKey: account }));
    await Promise.all(['alice', 'bob', 'carol'].map(send));
  }
  startRelay(publish, { batchSize: 5 });
  startRelay(publish, { batchSize: 5 });
  await expect.poll(() => countMessages(), { interval: 10, timeout: 60_000 }).toBe(0);
  const of = (account: string) => started.filter((text) => text.startsWith(account));
  for (const account of ['alice', 'bob', 'carol'])
    expect(of(account)).toEqual(Array.from({ length: 10 }, (_, n) => `${account} ${n}`));
  expect(overlaps).toBe(0);
});

test('A transaction with the same ordering key waits, so that what commits first is published first', async () => {
  const gate = createGate();
  const enqueued = createGate();
  const first = inTransaction(async (context) => {
    await context.enqueue('moved', 'first', { orderingKey: 'alice' });
    enqueued.open();
    await gate.opened;
  });
  await enqueued.opened;
  const second = inTransaction((context) => context.enqueue('moved', 'second', { orderingKey: 'alice' }));
  const { published } = startRelay();
  await inTransaction((context) => context.enqueue('moved', 'other', { orderingKey: 'bob' }));
  await expect.poll(() => textsOf(published), { interval: 10 }).toEqual(['other']);
  gate.open();
  await Promise.all([first, second]);
  await expect.poll(() => textsOf(published), { interval: 10 }).toEqual(['other', 'first', 'second']);
});

test('A message that fails comes again, the later ones of its key wait for it, and other keys go on', async () => {
  const failures = [new Error('broker away')];
  for (const text of ['1', '2'])
    await inTransaction((context) => context.enqueue('t', `alice ${text}`, { orderingKey: 'alice' }));
  await inTransaction((context) => context.enqueue('t', 'bob 1', { orderingKey: 'bob' }));
  const { published, errors } = startRelay(({ payload }) => {
    const failure = payload.toString() === 'alice 1' ? failures.pop() : undefined;
    if (failure !== undefined) throw failure;
  });
  await expect.poll(() => published.length, { interval: 10, timeout: 60_000 }).toBe(3);
  expect(textsOf(published)).toEqual(['bob 1', 'alice 1', 'alice 2']);
  expect(published.map(({ failures: count }) => count)).toEqual([0, 1, 0]);
  expect(errors).toMatchObject([{ message: 'broker away' }]);
});

test('A relay whose connection dies while it publishes loses nothing: another one publishes the message again', async () => {
  await inTransaction((context) => context.enqueue('t', 'once'));
  const pool = testbed.openPool();
  const first = startRelay(() => testbed.proxy.disconnectAll('reset'), {
    transactions: pgTransactions(pool) as RelayOptions['transactions'],
  });
  await expect.poll(() => first.errors.length, { interval: 10 }).toBeGreaterThan(0);
  first.stopping.abort();
  await first.ended;
  const second = startRelay();
  await expect.poll(() => countMessages(), { interval: 10 }).toBe(0);
  expect(new Set([...first.published, ...second.published].map(({ id }) => id)).size).toBe(1);
});

test('A relay that is stopped publishes what it has begun, begins nothing more, and resolves', async () => {
  const gate = createGate();
  const begun = createGate();
  for (const text of ['1', '2']) await inTransaction((context) => context.enqueue('t', text, { orderingKey: 'alice' }));
  const { published, stopping, ended } = startRelay(async () => {
    begun.open();
    await gate.opened;
  });
  await begun.opened;
  stopping.abort();
  gate.open();
  await ended;
  expect(textsOf(published)).toEqual(['1']);
  expect(await countMessages()).toBe(1);
});

test('A handler that takes longer than handlerTimeoutMs has failed, and its signal aborts', async () => {
  await inTransaction((context) => context.enqueue('t', 'slow'));
  const { errors } = startRelay(() => new Promise(() => {}), { handlerTimeoutMs: 50 });
  await expect.poll(() => errors, { interval: 10 }).toMatchObject([{ message: 'The handler took longer than 50 ms.' }]);
});

test('Options of a relay that are not valid are refused with the remedy', async () => {
  const relay = testbed.store.relay(() => {}, { transactions: {}, signal: null } as never);
  await expect(relay).rejects.toThrow(
    /transactions is an object; it must be what pgTransactions[\s\S]*it must be an AbortSignal[\s\S]*onError/,
  );
});
