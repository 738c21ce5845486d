// Outcomes that nobody knows: a list of them, and a decision about one.
import {
  type Doubt,
  deriveKeyFromRecordName,
  executeIdempotently,
  listDoubts,
  makeIdempotent,
  resolveDoubt,
} from '@onceguard/core';
import { expect, it } from 'vitest';
import { overrideVerbs } from '../adapters/store-kinds.js';
import {
  abandonWork,
  allDoubts,
  blockPolicy,
  callOptions,
  leaveDoubts,
  reserveAndCharge,
  vanishAtOnce,
  vanishWhileCharging,
} from './abandoned-work.js';
import { summarize } from './execution-summary.js';
import { onEveryStore, recordNameIn, recordOf } from './store-testbed.js';

const decision = { by: 'Ada', reason: 'asked the bank' };

onEveryStore('Doubts', (open) => {
  it('are listed with what is known of them; what is done, is under way or runs again is not', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    await executeIdempotently(() => 'paid', callOptions(store, { key: 'done' }));
    await abandonWork(store, vanishAtOnce, { key: 'stuck' });
    await abandonWork(store, vanishWhileCharging, { key: 'stuck at a step' });
    const unknown = () => {
      throw new Error('no connection');
    };
    await executeIdempotently(unknown, callOptions(store, { key: 'order-2', onFailure: 'unknown' })).catch(() => {});
    const doubts: Doubt[] = [];
    const list = async () => {
      doubts.push(...(await allDoubts(store)));
    };
    await executeIdempotently(list, callOptions(store, { key: 'under way' }));
    const known = doubts.map(({ state, attempt, recordedSteps, stepsInDoubt, retryAt }) => {
      return {
        state,
        attempt,
        recordedSteps,
        stepsInDoubt: stepsInDoubt.map(({ name }) => name),
        retryAt,
      };
    });
    const first = doubts.find(({ recordName }) => recordName === recordNameIn(store));
    expect(first?.stepsInDoubt[0]?.key).toBe(deriveKeyFromRecordName(recordNameIn(store), 'charge'));
    const charge = { recordedSteps: ['reserve'], stepsInDoubt: ['charge'] };
    const nothing = { recordedSteps: [], stepsInDoubt: [] };
    const common = { attempt: 1, retryAt: null };
    expect(known).toHaveLength(3);
    expect(known).toEqual(
      expect.arrayContaining([
        { ...common, ...charge, state: 'abandoned' },
        { ...common, ...charge, state: 'abandoned' },
        { ...common, ...nothing, state: 'unknown' },
      ]),
    );
  });

  it('are listed page by page', async () => {
    const { store } = open();
    await leaveDoubts(store, 5);
    const names = new Set((await allDoubts(store, 2)).map(({ recordName }) => recordName));
    expect(names.size).toBe(5);
  });

  it('that two people decide the same are decided by one: the other one sees who it was', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const name = recordNameIn(store);
    const [{ fencingToken = 0 } = {}] = await allDoubts(store);
    const decide = (by: string, result: string) =>
      resolveDoubt(store, name, { as: 'done', result, by, reason: 'asked the bank', fencingToken });
    expect(await decide('Ada', 'ch_1')).toMatchObject({ kind: 'ok' });
    expect(await decide('Ada', 'ch_1')).toMatchObject({ kind: 'ok' });
    const first = { kind: 'conflict', decision: { by: 'Ada', as: 'done', reason: 'asked the bank' } };
    expect(await decide('Ben', 'ch_1')).toMatchObject(first);
    expect(await decide('Ada', 'ch_2')).toMatchObject(first);
    const other = await resolveDoubt(store, name, { as: 'not_done', by: 'Ben', reason: 'no charge', fencingToken });
    expect(other).toMatchObject(first);
  });

  it('that somebody decides are done: every repeat gets the result', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const name = recordNameIn(store);
    expect(await resolveDoubt(store, name, { as: 'done', result: 'paid by hand', ...decision })).toMatchObject({
      kind: 'ok',
    });
    expect(await summarize(executeIdempotently(reserveAndCharge, callOptions(store)))).toBe('paid by hand, replayed');
    expect((await recordOf(store.inner, name))?.decisions).toMatchObject([{ as: 'done', ...decision }]);
  });

  it('that somebody decides are done without a result: a repeat is told that it is no longer kept', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    await resolveDoubt(store, recordNameIn(store), { as: 'done', ...decision });
    expect(await summarize(executeIdempotently(reserveAndCharge, callOptions(store)))).toBe('expired');
  });

  it('that somebody decides are not done: the next caller runs, the steps in doubt too', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    await resolveDoubt(store, recordNameIn(store), { as: 'not_done', ...decision });
    expect(await summarize(executeIdempotently(reserveAndCharge, callOptions(store, blockPolicy)))).toBe(
      'charged for r1, recorded',
    );
  });

  it('show the terms of their work, and the decisions made about it before', async () => {
    const { store } = open();
    const terms = { ttlMs: 3_600_000, tombstoneMs: 7_200_000, unknownTtlMs: 10_800_000 };
    await abandonWork(store, vanishWhileCharging, { ...blockPolicy, ...terms });
    await resolveDoubt(store, recordNameIn(store), { as: 'not_done', ...decision });
    await abandonWork(store, vanishWhileCharging, { ...blockPolicy, ...terms });
    expect(await allDoubts(store)).toMatchObject([
      { attempt: 2, ...terms, decisions: [{ as: 'not_done', ...decision, at: expect.any(Number) }] },
    ]);
  });

  it('are decided by one of two people; the other is told what stands there', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const [doubt] = await allDoubts(store);
    const { recordName = '', fencingToken = 0 } = doubt ?? {};
    const ends = await Promise.all([
      resolveDoubt(store, recordName, { as: 'done', result: 1, fencingToken, ...decision }),
      resolveDoubt(store, recordName, { as: 'not_done', fencingToken, ...decision }),
    ]);
    expect(ends.map(({ kind }) => kind).sort()).toEqual(['conflict', 'ok']);
  });

  it.each([
    [{ as: 'done', by: '', reason: 'x' }, /by is ""; it must not be empty/],
    [{ as: 'done', by: 'Ada' }, /reason is missing/],
    [{ as: 'perhaps', ...decision }, /as is "perhaps"/],
    [{ as: 'not_done', result: 1, ...decision }, /result is 1; it must be left out with not_done/],
    [
      { as: 'done', result: 1, outcome: new Uint8Array(), ...decision },
      /outcome is .*; it must be left out where result is given/,
    ],
    [{ as: 'done', result: () => {}, ...decision }, /This result cannot be recorded: .*Give plain data/],
    [{ as: 'done', ttlMs: 100, tombstoneMs: 50, ...decision }, /tombstoneMs is 50; it must be at least ttlMs/],
    [{ as: 'done', fencingToken: '7', ...decision }, /fencingToken is "7"; .*Take it from listDoubts/],
  ])('are not decided by %j', async (options, message) => {
    const { store } = open();
    await leaveDoubts(store, 1);
    await expect(resolveDoubt(store, recordNameIn(store), options as never)).rejects.toThrow(message);
    expect(await summarize(executeIdempotently(reserveAndCharge, callOptions(store)))).toBe('outcome_unknown');
  });

  it('of a request are not decided with the result of a function, which could not be sent', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const name = recordNameIn(store);
    const { record } = await store.inner.read(name);
    const request = { ...record, fingerprint: 'v1:of-a-request' };
    store.injectFault('read', async (pass) => ({ ...(await pass()), record: request }) as never);
    await expect(resolveDoubt(store, name, { as: 'done', result: 1, ...decision })).rejects.toThrow(
      /encodeRecoveredResponse/,
    );
    expect(await resolveDoubt(store, name, { as: 'done', ...decision })).toMatchObject({ kind: 'ok' });
  });

  it('are named by what their callers are told', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const refused = makeIdempotent(() => 'paid', { store, scope: 'tests', key: () => 'order-1', fingerprint: false });
    const error = await refused(undefined).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      recordName: recordNameIn(store),
      message: expect.stringContaining(recordNameIn(store)),
    });
    expect(await resolveDoubt(store, recordNameIn(store), { as: 'not_done', ...decision })).toMatchObject({
      kind: 'ok',
    });
  });

  it.each([
    [{ limit: 0 }, /limit is 0; it must be a whole number of doubts from 1 to 10000\./],
    [{ cursor: 5 }, /cursor is 5; it must be a string/],
    [{ timeoutMs: '1s' }, /timeoutMs is "1s"; it must be a whole number of milliseconds from 1 to 600000\./],
    [{ size: 5 }, /size is not an option; the options are cursor, label, limit, olderThanMs, operation, timeoutMs\./],
    [null, /the options argument is null; it must be an object\./],
  ])('are not listed with the options %j', async (options, message) => {
    const { store } = open();
    const error = await listDoubts(store, options as never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'option_invalid', message: expect.stringMatching(message) });
  });

  it('are not waited for longer than the deadline of the list', async () => {
    const { store } = open();
    const silent = overrideVerbs(store, { scan: () => new Promise<never>(() => {}) });
    const error = await listDoubts(silent, { timeoutMs: 50 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/did not reply to scan within 53 ms/),
    });
  });

  it('of which there is no record are gone', async () => {
    const { store } = open();
    expect(await resolveDoubt(store, 'nobody', { as: 'not_done', ...decision })).toMatchObject({ kind: 'gone' });
  });
});
