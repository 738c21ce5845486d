// What the engine writes into a record for people: the options operation and label, and the trace.
import {
  executeIdempotently,
  type ListDoubtsOptions,
  listDoubts,
  lookup,
  MemoryStore,
  makeIdempotent,
  provideTraceparent,
} from '@onceguard/core';
import { manualClock } from '@onceguard/testing';
import { afterEach, expect, test } from 'vitest';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const store = new MemoryStore();
let keys = 0;
const freshCall = () => ({ store, scope: 'tests', key: `key-${++keys}` });

let remove = () => {};
afterEach(() => remove());

async function charge() {
  return 'ch_1';
}

test('a record of a function has the name of the function as its operation, and no label', async () => {
  const call = freshCall();
  await makeIdempotent(charge, { ...call, key: () => call.key })(1);
  expect(await lookup(store, call)).toMatchObject({ operation: 'charge', label: null, traceparent: null });
});

test('a function without a usable name is called function', async () => {
  const call = freshCall();
  await executeIdempotently(() => 1, call);
  expect(await lookup(store, call)).toMatchObject({ operation: 'function' });
  const odd = Object.defineProperty(() => 1, 'name', { value: 'a\nb' });
  const second = freshCall();
  await executeIdempotently(odd, second);
  expect(await lookup(store, second)).toMatchObject({ operation: 'function' });
});

test('two operations under one scope and one key are different work', async () => {
  const call = freshCall();
  const paid = await executeIdempotently(() => 'paid', { ...call, operation: 'charge' });
  const refunded = await executeIdempotently(() => 'refunded', { ...call, operation: 'refund' });
  expect([paid, refunded]).toMatchObject([{ value: 'paid' }, { kind: 'executed', value: 'refunded' }]);
  expect(await lookup(store, { ...call, operation: 'refund' })).toMatchObject({ operation: 'refund' });
});

test('the label is what the function of the input returns', async () => {
  const call = freshCall();
  const run = makeIdempotent((order: { id: string }) => order.id, {
    ...call,
    key: () => call.key,
    label: async (order) => `order ${order.id}`,
  });
  await run({ id: '17' });
  expect(await lookup(store, call)).toMatchObject({ label: 'order 17' });
});

test.each([[''], ['x'.repeat(101)], ['a\nb'], [17], [{}]])(
  'nothing runs under a label that no record can keep: %j',
  async (label) => {
    const call = { ...freshCall(), label: label as string };
    await expect(executeIdempotently(() => expect.unreachable('it ran'), call)).rejects.toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining('it must be a string of 1 to 100 characters'),
    });
  },
);

test('nothing runs where the function of the label throws, and the caller gets its error', async () => {
  const { key: name, ...rest } = freshCall();
  const failure = new Error('no order');
  const work = makeIdempotent(() => expect.unreachable('it ran'), {
    ...rest,
    key: () => name,
    label: () => {
      throw failure;
    },
  });
  await expect(work({ id: 17 })).rejects.toBe(failure);
});

test.each([[''], ['x'.repeat(129)], ['a\u0000'], [7]])(
  'an operation that no record can keep is refused: %j',
  async (operation) => {
    const call = { ...freshCall(), operation: operation as string };
    await expect(executeIdempotently(() => 1, call)).rejects.toMatchObject({ code: 'option_invalid' });
  },
);

test('the trace is the one that is provided where the work is called', async () => {
  remove = provideTraceparent(() => traceparent);
  const call = freshCall();
  await executeIdempotently(() => 1, call);
  remove();
  expect(await lookup(store, call)).toMatchObject({ traceparent });
  const untraced = freshCall();
  await executeIdempotently(() => 1, untraced);
  expect(await lookup(store, untraced)).toMatchObject({ traceparent: null });
});

const throwing = () => {
  throw new Error('no span');
};

test.each([
  ['throws', throwing],
  ['gives text of another form', () => 'trace-1'],
  ['gives no text', () => 7 as never],
])('no work fails for its trace: a source that %s counts as none', async (_, source) => {
  remove = provideTraceparent(source);
  const call = freshCall();
  expect(await executeIdempotently(() => 1, call)).toMatchObject({ value: 1 });
  expect(await lookup(store, call)).toMatchObject({ traceparent: null });
});

test('a traceparent of a newer version counts by the four fields that every version has', async () => {
  remove = provideTraceparent(() => `${traceparent.replace('00', '01')}-more`);
  const call = freshCall();
  await executeIdempotently(() => 1, call);
  expect(await lookup(store, call)).toMatchObject({ traceparent });
});

test('a doubt says what work it is of', async () => {
  const call = { ...freshCall(), operation: 'charge', label: 'order 17', onFailure: 'unknown' } as const;
  await executeIdempotently(() => Promise.reject(new Error('timeout')), call).catch(() => {});
  const { doubts } = await listDoubts(store);
  expect(doubts).toContainEqual(expect.objectContaining({ operation: 'charge', label: 'order 17', attempt: 1 }));
});

test('doubts are listed by operation, by label and by age', async () => {
  const clock = manualClock();
  const doubtful = new MemoryStore({ clock: clock.now });
  const doubts = [
    ['charge', 'order 1'],
    ['charge', 'order 2'],
    ['refund', 'order 1'],
  ] as const;
  for (const [operation, label] of doubts) {
    const call = { store: doubtful, scope: 'tests', key: 'k', operation, label, onFailure: 'unknown' } as const;
    const key = `${operation} ${label}`;
    await executeIdempotently(() => Promise.reject(new Error('timeout')), { ...call, key }).catch(() => {});
    clock.advance(1_000);
  }
  const listed = async (options: ListDoubtsOptions) => {
    const page = await listDoubts(doubtful, options);
    return page.doubts.map(({ operation, label }) => `${operation}, ${label}`).sort();
  };
  expect(await listed({ operation: 'charge' })).toEqual(['charge, order 1', 'charge, order 2']);
  expect(await listed({ label: 'order 1' })).toEqual(['charge, order 1', 'refund, order 1']);
  expect(await listed({ operation: 'refund', label: 'order 2' })).toEqual([]);
  expect(await listed({ olderThanMs: 2_000 })).toEqual(['charge, order 1', 'charge, order 2']);
  expect(await listed({ olderThanMs: 2_001 })).toEqual(['charge, order 1']);
  expect(await listed({})).toHaveLength(3);
  await expect(listDoubts(doubtful, { olderThanMs: -1 })).rejects.toMatchObject({ code: 'option_invalid' });
});
