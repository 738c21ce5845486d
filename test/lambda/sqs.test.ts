// SQS batches: each message is handled once, and only what failed is returned.
import { randomUUID } from 'node:crypto';
import { MemoryStore, type OperationContext, paymentPolicy, StoreError } from '@onceguard/core';
import { idempotentSqs, type SqsOptions, type SqsRecord } from '@onceguard/lambda';
import { FaultStore, failsAfter, failsBefore } from '@onceguard/testing';
import { describe, expect, test } from 'vitest';
import { contextOf } from './http-events.js';

interface Order {
  readonly order: string;
  readonly [member: string]: unknown;
}

function message(order: Order | string, messageId: string = randomUUID()): SqsRecord {
  return { messageId, body: typeof order === 'string' ? order : JSON.stringify(order) };
}

const orderOf = ({ body }: SqsRecord): Order => JSON.parse(body);

interface Worker {
  /** Handles a batch and returns the ids of the messages that come again. */
  deliver(...records: SqsRecord[]): Promise<string[]>;
  /** The orders whose work ran, in the order in which it began. */
  readonly runs: string[];
  readonly failures: { id: string; error: unknown }[];
}

function startWorker(
  work: (order: Order, context: OperationContext) => unknown = () => undefined,
  options: Partial<SqsOptions> = {},
): Worker {
  const runs: string[] = [];
  const failures: Worker['failures'] = [];
  const handler = idempotentSqs(
    async (record, context) => {
      runs.push(orderOf(record).order);
      await work(orderOf(record), context);
    },
    {
      store: new MemoryStore(),
      scope: 'orders',
      key: (record) => orderOf(record).order,
      onRecordFailed: ({ messageId }, error) => failures.push({ id: messageId, error }),
      ...options,
    },
  );
  return {
    runs,
    failures,
    deliver: async (...records) => {
      const { batchItemFailures } = await handler({ Records: records }, contextOf());
      return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    },
  };
}

test('Only the messages that failed come again, with the reason, and only their work runs again', async () => {
  let isAway = true;
  const { deliver, runs, failures } = startWorker(({ order }) => {
    if (order === 'b' && isAway) throw new Error('the carrier is away');
  });
  const [a, b, c] = ['a', 'b', 'c'].map((order) => message({ order }, order)) as [SqsRecord, SqsRecord, SqsRecord];
  expect(await deliver(a, b, c)).toEqual(['b']);
  expect(failures).toMatchObject([{ id: 'b', error: { message: 'the carrier is away' } }]);
  isAway = false;
  expect(await deliver(a, b, c)).toEqual([]);
  expect(runs).toEqual(['a', 'b', 'c', 'b']);
});

test('A thousand messages in batches, of which a third fails at first: each is handled once, and only what failed comes again', async () => {
  // A thousand calls at once take a busy machine longer than a second.
  const store = new MemoryStore({ callTimeoutMs: 60_000 });
  const handled: string[] = [];
  const tries = new Map<string, number>();
  const { deliver } = startWorker(
    async ({ order }) => {
      tries.set(order, (tries.get(order) ?? 0) + 1);
      await new Promise(setImmediate);
      if (Number(order) % 3 === 0 && tries.get(order) === 1) throw new Error('not yet');
      handled.push(order);
    },
    { store },
  );
  const all = Array.from({ length: 1_000 }, (_, order) => message({ order: String(order) }, String(order)));
  const batches = Array.from({ length: 100 }, (_, at) => all.slice(at * 10, at * 10 + 10));
  const failed = (await Promise.all(batches.map((batch) => deliver(...batch)))).flat();
  expect(failed.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 334 }, (_, at) => at * 3));
  // SQS delivers what failed again, and some of the others too: it promises at least one delivery.
  const again = all.filter(({ messageId }) => failed.includes(messageId) || Number(messageId) % 5 === 0);
  expect(await deliver(...again)).toEqual([]);
  expect(handled.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, at) => at));
});

describe('two messages of one batch with the same key', () => {
  test('run once, and both are done', async () => {
    const { deliver, runs } = startWorker(() => new Promise(setImmediate));
    expect(await deliver(message({ order: 'a' }), message({ order: 'b' }), message({ order: 'a' }))).toEqual([]);
    expect(runs).toEqual(['a', 'b']);
  });

  test('both come again if the work fails, and it does not run a second time at once', async () => {
    const { deliver, runs } = startWorker(() => Promise.reject(new Error('no')));
    expect(await deliver(message({ order: 'a' }, '1'), message({ order: 'a' }, '2'))).toEqual(['1', '2']);
    expect(runs).toEqual(['a']);
  });

  test('of two tenants both run', async () => {
    const { deliver, runs } = startWorker(undefined, { scope: (record) => String(orderOf(record).tenant) });
    expect(await deliver(message({ order: 'a', tenant: 1 }), message({ order: 'a', tenant: 2 }))).toEqual([]);
    expect(runs).toEqual(['a', 'a']);
  });

  test('with another payload the second one comes again, as key_reused', async () => {
    const { deliver, failures } = startWorker();
    expect(await deliver(message({ order: 'a', amount: 1 }, '1'), message({ order: 'a', amount: 2 }, '2'))).toEqual([
      '2',
    ]);
    expect(failures).toMatchObject([{ id: '2', error: { code: 'key_reused' } }]);
  });
});

describe('a FIFO queue', () => {
  const fifo = (order: string): SqsRecord => ({
    ...message({ order }, order),
    eventSourceARN: 'arn:aws:sqs:eu-west-1:1:orders.fifo',
  });

  test('is known by its name: messages run in order, and none after a failure', async () => {
    const { deliver, runs } = startWorker(async ({ order }) => {
      await new Promise(setImmediate);
      if (order === 'b') throw new Error('no');
    });
    expect(await deliver(fifo('a'), fifo('b'), fifo('c'))).toEqual(['b', 'c']);
    expect(runs).toEqual(['a', 'b']);
  });

  test('can be named by the option, and so can a queue whose order does not matter', async () => {
    const fails = ({ order }: Order) => (order === 'a' ? Promise.reject(new Error('no')) : undefined);
    const inOrder = startWorker(fails, { fifo: true });
    expect(await inOrder.deliver(message({ order: 'a' }, 'a'), message({ order: 'b' }, 'b'))).toEqual(['a', 'b']);
    const inAnyOrder = startWorker(fails, { fifo: false });
    expect(await inAnyOrder.deliver(fifo('a'), fifo('b'))).toEqual(['a']);
  });
});

test.each([1, 2, 7])('At most `concurrency` messages are handled at the same time: %i', async (concurrency) => {
  let running = 0;
  let most = 0;
  const { deliver } = startWorker(
    async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
    },
    { concurrency },
  );
  expect(await deliver(...Array.from({ length: 20 }, (_, order) => message({ order: String(order) })))).toEqual([]);
  expect(most).toBe(concurrency);
});

describe('a message whose key is not known comes again, with an error that names the remedy; the others are handled', () => {
  test.each<[string, SqsRecord, object]>([
    [
      'no field',
      message({} as Order, 'x'),
      { code: 'key_invalid', message: expect.stringMatching(/message x.*id of the work/) },
    ],
    ['an empty field', message({ order: '' }, 'x'), { code: 'key_invalid' }],
    ['a field that names nothing', message({ order: 'order:undefined' }, 'x'), { code: 'key_invalid' }],
    ['a body that is no JSON', message('{', 'x'), { name: 'SyntaxError' }],
  ])('%s', async (_what, record, error) => {
    const { deliver, runs, failures } = startWorker();
    expect(await deliver(record, message({ order: 'b' }))).toEqual(['x']);
    expect([runs, failures]).toEqual([['b'], [{ id: 'x', error: expect.objectContaining(error) }]]);
  });
});

test('Work that runs elsewhere, and work whose outcome is unknown, is not run: its message comes again', async () => {
  const store = new MemoryStore();
  let finish = () => {};
  const elsewhere = startWorker(() => new Promise<void>((resolve) => (finish = resolve)), { store });
  const first = elsewhere.deliver(message({ order: 'a' }));
  await new Promise(setImmediate);
  const here = startWorker(undefined, { store });
  expect(await here.deliver(message({ order: 'a' }, '2'))).toEqual(['2']);
  expect(here.failures).toMatchObject([{ error: { code: 'in_progress' } }]);
  finish();
  expect(await first).toEqual([]);

  const payment = startWorker(() => Promise.reject(new Error('the connection broke')), { ...paymentPolicy, store });
  for (const _ of [1, 2]) expect(await payment.deliver(message({ order: 'b' }, '3'))).toEqual(['3']);
  expect(payment.runs).toEqual(['b']);
  expect(payment.failures).toMatchObject([
    { error: { message: 'the connection broke' } },
    { error: { code: 'outcome_unknown' } },
  ]);
});

test('While the store is away nothing runs, and every message comes again', async () => {
  const store = new FaultStore(new MemoryStore());
  store.injectFault('acquire', failsBefore('misconfigured'));
  const { deliver, runs, failures } = startWorker(undefined, { store });
  expect(await deliver(message({ order: 'a' }, '1'), message({ order: 'b' }, '2'))).toEqual(['1', '2']);
  expect([runs, failures.map(({ error }) => error instanceof StoreError)]).toEqual([[], [true, true]]);
});

test('Messages that run without the store, by onStoreUnavailable, do not wait for it at the end', async () => {
  const store = new FaultStore(new MemoryStore(), 50);
  store.injectFault('acquire', failsAfter);
  store.injectFault('release', failsBefore('unavailable'));
  const { deliver, runs } = startWorker(undefined, { store, leaseMs: 20_000, onStoreUnavailable: 'bypass' });
  const startedAt = Date.now();
  expect(await deliver(message({ order: 'a' }))).toEqual([]);
  expect([runs, Date.now() - startedAt < 10_000]).toEqual([['a'], true]);
});

test('A message whose outcome the store could not take is done; its recording is awaited before the batch ends', async () => {
  const store = new FaultStore(new MemoryStore(), 50);
  store.injectFault('complete', failsBefore('unavailable'));
  const { deliver } = startWorker(undefined, { store });
  const delivered = deliver(message({ order: 'a' }));
  await store.waitForCalls('complete', 4);
  store.clearFaults();
  expect(await delivered).toEqual([]);
  const after = startWorker(undefined, { store: store.inner });
  expect([await after.deliver(message({ order: 'a' })), after.runs]).toEqual([[], []]);
});

test('`fingerprint` chooses what two messages of one piece of work have in common', async () => {
  const payload = ({ body }: SqsRecord) => ({ order: JSON.parse(body).order });
  const { deliver, runs } = startWorker(undefined, { fingerprint: payload });
  expect(await deliver(message({ order: 'a', sentAt: 1 }))).toEqual([]);
  expect(await deliver(message({ order: 'a', sentAt: 2 }))).toEqual([]);
  expect(runs).toEqual(['a']);
});

test('What the work returns is not kept, and needs no form that can be recorded', async () => {
  const { deliver } = startWorker(() => Symbol('no record can hold it'));
  for (const _ of [1, 2]) expect(await deliver(message({ order: 'a' }))).toEqual([]);
});
