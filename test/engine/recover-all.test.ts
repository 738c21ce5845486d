// A program that asks what became of everything that waits for a decision.
import { executeIdempotently, type Recover, recoverAll, recovery, resolveDoubt, StoreError } from '@onceguard/core';
import { failsBefore, runFirst } from '@onceguard/testing';
import { expect, it, vi } from 'vitest';
import {
  abandonWork,
  blockPolicy,
  callOptions,
  leaveDoubts,
  reserveAndCharge,
  vanishAtOnce,
  vanishWhileCharging,
} from './abandoned-work.js';
import { summarize } from './execution-summary.js';
import { briefTimeout, onEveryStore, recordNameIn, recordOf } from './store-testbed.js';

onEveryStore('recoverAll', (open) => {
  it('works off all doubts, and counts how they ended', async () => {
    const { store } = open();
    await leaveDoubts(store, 5);
    let asked = 0;
    const recover: Recover<string> = ({ recordedSteps, stepsInDoubt }) => {
      expect([recordedSteps.get('reserve'), stepsInDoubt[0]?.name]).toEqual(['r1', 'charge']);
      asked += 1;
      if (asked === 1) return recovery.done('paid');
      if (asked === 2) return recovery.notDone();
      if (asked === 3) throw new Error('the bank is closed');
      return recovery.stillUnknown(60_000);
    };
    const sum = await recoverAll(store, { recover });
    expect(sum).toMatchObject({ done: 1, notDone: 1, stillUnknown: 2, handledElsewhere: 0, cursor: null });
    expect(sum.failed).toEqual([{ recordName: expect.any(String), error: new Error('the bank is closed') }]);
    const ends = ['order-1', 'order-2', 'order-3', 'order-4', 'order-5'].map((key) =>
      summarize(executeIdempotently(reserveAndCharge, callOptions(store, { key, ...blockPolicy }))),
    );
    expect((await Promise.all(ends)).sort()).toEqual([
      'charged for r1, recorded',
      'outcome_unknown',
      'outcome_unknown',
      'outcome_unknown',
      'paid, replayed',
    ]);
  });

  it('asks about each doubt once, in however many processes it runs', async () => {
    const { store } = open();
    await leaveDoubts(store, 10);
    const asked: string[] = [];
    const recover: Recover<string> = async ({ key }) => {
      asked.push(key);
      return recovery.done('paid');
    };
    const sums = await Promise.all([recoverAll(store, { recover }), recoverAll(store, { recover })]);
    expect(sums.reduce((total, { done: count }) => total + count, 0)).toBe(10);
    expect(new Set(asked).size).toBe(asked.length);
  });

  it('goes on where the call before ended', async () => {
    const { store } = open();
    await leaveDoubts(store, 5);
    let calls = 0;
    let total = 0;
    let cursor: string | null = null;
    do {
      const sum: Awaited<ReturnType<typeof recoverAll>> = await recoverAll(store, {
        recover: () => recovery.done('paid'),
        cursor,
        limit: 2,
      });
      total += sum.done;
      calls += 1;
      cursor = sum.cursor;
    } while (cursor !== null);
    expect(total).toBe(5);
    expect(calls).toBeGreaterThan(1);
  });

  it('leaves alone what nobody has to decide about', async () => {
    const { store } = open();
    await abandonWork(store, vanishAtOnce, { key: 'stuck' });
    const recover = () => recovery.done('paid');
    expect(await recoverAll(store, { recover })).toMatchObject({ done: 0, notDone: 0, handledElsewhere: 0 });
    expect(await summarize(executeIdempotently(() => 'run again', callOptions(store, { key: 'stuck' })))).toBe(
      'run again, recorded',
    );
  });

  it('asks about a step in doubt whose work the next caller would run again', async () => {
    const { store } = open();
    await abandonWork(store, vanishWhileCharging);
    expect(await recoverAll(store, { recover: () => recovery.done('paid') })).toMatchObject({ done: 1 });
    expect(await summarize(executeIdempotently(reserveAndCharge, callOptions(store)))).toBe('paid, replayed');
  });

  it('has what was found known for as long as the terms of the work say', async () => {
    const { store } = open();
    await abandonWork(store, vanishWhileCharging, { ...blockPolicy, ttlMs: 5_000, tombstoneMs: 86_400_000 });
    await recoverAll(store, { recover: () => recovery.done('paid') });
    const replays = async () =>
      expect(await summarize(executeIdempotently(reserveAndCharge, callOptions(store)))).toBe('expired');
    await vi.waitFor(replays, { timeout: 60_000 });
  });

  it('has what was found known for longer where its options say so, and never for less long', async () => {
    const { store } = open();
    const terms = { ttlMs: 3_600_000, tombstoneMs: 7_200_000, unknownTtlMs: 10_800_000 };
    const lives: number[][] = [];
    for (const [n, hours] of [1, 9].entries()) {
      const key = `order-${n}`;
      await abandonWork(store, vanishWhileCharging, { ...blockPolicy, ...terms, key });
      const ms = hours * 1_800_000;
      await recoverAll(store, { recover: () => recovery.done('paid'), ttlMs: ms, tombstoneMs: ms });
      const record = await recordOf(store.inner, store.calls.at(-1)?.key ?? '');
      const { completedAt, expiresAt = 0, outcomeEndAt = 0 } = record ?? {};
      lives.push([outcomeEndAt - (completedAt ?? 0), Math.round((expiresAt - (completedAt ?? 0)) / 600_000)]);
    }
    expect(lives).toEqual([
      // As the doubt would have lived.
      [3_600_000, 18],
      [9 * 1_800_000, 27],
    ]);
  });

  it('counts a result that cannot be recorded as failed, and leaves the doubt', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const sum = await recoverAll(store, { recover: () => recovery.done(() => {}) });
    expect(sum).toMatchObject({ done: 0, failed: [{ recordName: recordNameIn(store) }] });
    expect(await summarize(executeIdempotently(reserveAndCharge, callOptions(store)))).toBe('outcome_unknown');
  });

  it('counts what somebody else ends meanwhile as elsewhere', async () => {
    const { store } = open();
    await leaveDoubts(store, 1);
    const name = recordNameIn(store);
    const decide = async () =>
      await resolveDoubt(store.inner, name, { as: 'done', by: 'Ada', reason: 'asked the bank' });
    store.injectFault('acquire', runFirst(decide));
    const recover = () => expect.unreachable('Nobody has to find out any more.');
    expect(await recoverAll(store, { recover })).toMatchObject({ done: 0, handledElsewhere: 1, failed: [] });
  });

  it('rejects where the store does not answer', async () => {
    const { store } = open(briefTimeout);
    await leaveDoubts(store, 1);
    store.injectFault('acquire', failsBefore('unavailable'));
    await expect(recoverAll(store, { recover: () => recovery.done('paid') })).rejects.toThrow(StoreError);
  });

  it.each([
    [{}, /recover is missing; it must be a function/],
    [{ recover: () => recovery.done(1), limit: 0 }, /limit is 0; it must be a whole number of doubts/],
    [{ recover: () => recovery.done(1), ttlMs: 100, leaseMs: 200 }, /ttlMs is 100; it must be at least leaseMs/],
    [{ recover: () => recovery.done(1), size: 1 }, /size is not an option/],
  ])('refuses %j', async (options, message) => {
    const { store } = open();
    await expect(recoverAll(store, options as never)).rejects.toThrow(message);
  });
});
