// removeRecord: a person frees a key on purpose, never beside an attempt at work; and toRecordJson, what that person reads before.
import { gzipSync } from 'node:zlib';
import {
  ConfigurationError,
  executeIdempotently,
  lookup,
  MemoryStore,
  recordName,
  removeRecord,
  resolveDoubt,
  StoreError,
  toRecordJson,
} from '@onceguard/core';
import { encodeRecoveredResponse } from '@onceguard/core/http';
import { failsBefore } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { callOptions } from './abandoned-work.js';
import { onEveryStore, recordNameIn } from './store-testbed.js';

const removal = { by: 'ada', reason: 'ticket 481' };

onEveryStore('A removal', (open) => {
  it('frees the key of work that is done: the next caller runs', async () => {
    const { store } = open();
    await executeIdempotently(() => 'first', callOptions(store));
    expect(await removeRecord(store, recordNameIn(store), removal)).toMatchObject({ kind: 'removed' });
    expect(await executeIdempotently(() => 'second', callOptions(store))).toMatchObject({
      kind: 'executed',
      value: 'second',
    });
  });

  it('leaves a record alone whose attempt is at work', async () => {
    const { store } = open();
    const replies: unknown[] = [];
    const run = async () => void replies.push(await removeRecord(store, recordNameIn(store), removal));
    await executeIdempotently(run, callOptions(store));
    expect(replies).toMatchObject([{ kind: 'in_progress' }]);
    expect(await executeIdempotently(() => 'again', callOptions(store))).toMatchObject({ kind: 'replayed' });
  });

  it('says that there is no such record, also when it was removed before', async () => {
    const { store } = open();
    const unused = recordName({ scope: 'tests', key: 'nobody used it' });
    expect(await removeRecord(store, unused, removal)).toMatchObject({ kind: 'gone' });
    await executeIdempotently(() => 'first', callOptions(store, { key: 'order-2' }));
    const name = recordName({ scope: 'tests', key: 'order-2' });
    await removeRecord(store, name, removal);
    expect(await removeRecord(store, name, removal)).toMatchObject({ kind: 'gone' });
  });

  it.each([{ by: '', reason: 'r' }, { by: 'ada' }, { ...removal, why: 'x' }])('is refused for %j', async (options) => {
    const { store } = open();
    await executeIdempotently(() => 'first', callOptions(store));
    await expect(removeRecord(store, recordNameIn(store), options as never)).rejects.toThrow(ConfigurationError);
    expect(await lookup(store, recordNameIn(store))).toMatchObject({ state: 'completed' });
  });

  it.each(['read', 'remove'] as const)('rejects where the store fails to %s, and a repeat succeeds', async (verb) => {
    const { store } = open();
    await executeIdempotently(() => 'first', callOptions(store));
    store.injectFault(verb, failsBefore('misconfigured'));
    await expect(removeRecord(store, recordNameIn(store), removal)).rejects.toThrow(StoreError);
    store.clearFaults();
    expect(await removeRecord(store, recordNameIn(store), removal)).toMatchObject({ kind: 'removed' });
  });
});

it('A record as JSON has its state in words, ISO times, and values that JSON lacks as text', async () => {
  const store = new MemoryStore();
  const call = { store, scope: 'alice', key: 'order-17' };
  const value = { at: new Date(0), big: 12n, none: undefined, odd: Number.NaN, bytes: Buffer.from('hi'), list: [1] };
  await executeIdempotently(() => value, call);
  const view = await lookup(store, call);
  const json = toRecordJson(view ?? expect.unreachable());
  expect(JSON.parse(JSON.stringify(json))).toMatchObject({
    state: 'completed',
    meaning: expect.stringMatching(/is done/),
    completedAt: view?.completedAt?.toISOString(),
    outcome: {
      kind: 'result',
      value: { at: '1970-01-01T00:00:00.000Z', big: '12', none: null, odd: 'NaN', bytes: 'aGk=', list: [1] },
    },
  });
});

it.each([
  ['text', {}, '{"id":1}', { bytes: 8, text: '{"id":1}' }],
  ['compressed text', { 'content-encoding': 'gzip' }, gzipSync('hello'), { text: 'hello' }],
  ['bytes that are no text', {}, Buffer.from([0xff, 0xfe]), { bytes: 2, base64: '//4=' }],
  ['a compression that it is not', { 'content-encoding': 'gzip' }, Buffer.from('x'), { base64: 'eA==' }],
])('A recorded body as JSON is readable: %s', async (_what, headers, body, expected) => {
  const store = new MemoryStore();
  const call = { store, scope: 'alice', key: 'order-17', onFailure: 'unknown' } as const;
  const failed = () => Promise.reject(new Error('the connection broke'));
  await executeIdempotently(failed, call).catch(() => {});
  const outcome = encodeRecoveredResponse({ status: 201, headers, body });
  const decided = await resolveDoubt(store, recordName(call), { as: 'done', outcome, ...removal });
  expect(decided.kind).toBe('ok');
  const view = await lookup(store, call);
  expect(toRecordJson(view ?? expect.unreachable()).outcome).toMatchObject({ status: 201, body: expected });
});
