// Outcomes that nobody knows: a list of them, and a decision about one.
import { type Doubt, deriveKey, execute, makeIdempotent, resolve } from '@onceguard/core';
import { expect, it } from 'vitest';
import { abandon, allDoubts, block, call, charging, leaveDoubts, paying } from './abandoned.js';
import { told } from './told.js';
import { nameIn, onEveryStore, recordOf } from './world.js';

const decision = { by: 'Ada', reason: 'asked the bank' };

onEveryStore('Doubts', (open) => {
  it('are listed with what is known of them; what is done or under way is not', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    await execute(() => 'paid', call(store, { key: 'done' }));
    await abandon(store, () => {}, { key: 'stuck' });
    await abandon(store, charging, { key: 'stuck at a step' });
    const unknown = () => {
      throw new Error('no connection');
    };
    await execute(unknown, call(store, { key: 'order-2', onFailure: 'unknown' })).catch(() => {});
    const doubts: Doubt[] = [];
    const list = async () => {
      doubts.push(...(await allDoubts(store)));
    };
    await execute(list, call(store, { key: 'under way' }));
    const known = doubts.map(({ state, needsDecision, attempt, recordedSteps, stepsInDoubt, retryAt }) => {
      return {
        state,
        needsDecision,
        attempt,
        recordedSteps,
        stepsInDoubt: stepsInDoubt.map(({ name }) => name),
        retryAt,
      };
    });
    const first = doubts.find(({ name }) => name === nameIn(store));
    expect(first?.stepsInDoubt[0]?.key).toBe(deriveKey(nameIn(store), 'charge'));
    const charge = { recordedSteps: ['reserve'], stepsInDoubt: ['charge'] };
    const nothing = { recordedSteps: [], stepsInDoubt: [] };
    const common = { attempt: 1, retryAt: null };
    expect(known).toHaveLength(4);
    expect(known).toEqual(
      expect.arrayContaining([
        { ...common, ...charge, state: 'abandoned', needsDecision: true },
        { ...common, ...nothing, state: 'abandoned', needsDecision: false },
        { ...common, ...charge, state: 'abandoned', needsDecision: true },
        { ...common, ...nothing, state: 'unknown', needsDecision: true },
      ]),
    );
  });

  it('are listed page by page', async () => {
    const { store } = open();
    await leaveDoubts(store, 5);
    const names = new Set((await allDoubts(store, 2)).map(({ name }) => name));
    expect(names.size).toBe(5);
  });

  it('that somebody decides are done: every repeat gets the result', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const name = nameIn(store);
    expect(await resolve(store, name, { as: 'done', result: 'paid by hand', ...decision })).toMatchObject({
      kind: 'ok',
    });
    expect(await told(execute(paying, call(store)))).toBe('paid by hand, replayed');
    expect((await recordOf(store.inner, name))?.decisions).toMatchObject([{ as: 'done', ...decision }]);
  });

  it('that somebody decides are done without a result: a repeat is told that it is no longer kept', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    await resolve(store, nameIn(store), { as: 'done', ...decision });
    expect(await told(execute(paying, call(store)))).toBe('expired');
  });

  it('that somebody decides are not done: the next caller runs, the steps in doubt too', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    await resolve(store, nameIn(store), { as: 'not_done', ...decision });
    expect(await told(execute(paying, call(store, block)))).toBe('charged for r1, recorded');
  });

  it('show the terms of their work, and the decisions made about it before', async () => {
    const { store } = open();
    const terms = { ttlMs: 3_600_000, tombstoneMs: 7_200_000, unknownTtlMs: 10_800_000 };
    await abandon(store, charging, { ...block, ...terms });
    await resolve(store, nameIn(store), { as: 'not_done', ...decision });
    await abandon(store, charging, { ...block, ...terms });
    expect(await allDoubts(store)).toMatchObject([
      { attempt: 2, ...terms, decisions: [{ as: 'not_done', ...decision, at: expect.any(Number) }] },
    ]);
  });

  it('are decided by one of two people; the other is told what stands there', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const [doubt] = await allDoubts(store);
    const { name = '', fencingToken = 0 } = doubt ?? {};
    const ends = await Promise.all([
      resolve(store, name, { as: 'done', result: 1, fencingToken, ...decision }),
      resolve(store, name, { as: 'not_done', fencingToken, ...decision }),
    ]);
    expect(ends.map(({ kind }) => kind).sort()).toEqual(['conflict', 'ok']);
  });

  it.each([
    [{ as: 'done', by: '', reason: 'x' }, /by is ""; it must be said/],
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
    await expect(resolve(store, nameIn(store), options as never)).rejects.toThrow(message);
    expect(await told(execute(paying, call(store)))).toBe('unknown');
  });

  it('of a request are not decided with the result of a function, which could not be sent', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const name = nameIn(store);
    const { record } = await store.inner.read(name);
    const request = { ...record, fingerprint: 'v1:of-a-request' };
    store.on('read', async (pass) => ({ ...(await pass()), record: request }) as never);
    await expect(resolve(store, name, { as: 'done', result: 1, ...decision })).rejects.toThrow(/encodeAnswer/);
    expect(await resolve(store, name, { as: 'done', ...decision })).toMatchObject({ kind: 'ok' });
  });

  it('are named by what their callers are told', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const refused = makeIdempotent(() => 'paid', { store, scope: 'tests', key: () => 'order-1', fingerprint: false });
    const error = await refused(undefined).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ recordName: nameIn(store), message: expect.stringContaining(nameIn(store)) });
    expect(await resolve(store, nameIn(store), { as: 'not_done', ...decision })).toMatchObject({ kind: 'ok' });
  });

  it('of which there is no record are gone', async () => {
    const { store } = open();
    expect(await resolve(store, 'nobody', { as: 'not_done', ...decision })).toMatchObject({ kind: 'gone' });
  });
});
