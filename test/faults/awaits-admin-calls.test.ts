// Calls about unknown outcomes, made by administrators and their programs, fail as calls of an execution do. Whoever
// decides learns whether the decision is certain, and may repeat it.
import {
  executeIdempotently,
  type IdempotencyError,
  type IdempotencyStore,
  listDoubts,
  recoverAll,
  recovery,
  resolveDoubt,
  StoreError,
} from '@onceguard/core';
import {
  type FaultRule,
  FaultStore,
  failsAfter,
  failsBefore,
  hangs,
  hangsAfter,
  type StoreMethod,
} from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import { overrideVerbs, storeKinds } from '../adapters/store-kinds.js';

const shortMs = 400;
const personsDecision = { as: 'done', result: 'paid by hand', by: 'Ada', reason: 'asked the bank' } as const;

const once = 1;
const permanently = null;

/** What the decider gets, and the record after that. */
const decided = ['ok', 'completed'] as const;
const undecided = ['store_unavailable', 'unknown'] as const;
const decidedButUnanswered = ['store_unavailable', 'completed'] as const;
const rejected = ['store_misconfigured', 'unknown'] as const;

const rows: [StoreMethod, how: string, FaultRule, call: number | null, readonly [outcome: string, state: string]][] = [
  ['read', 'fails once', failsBefore(), once, decided],
  ['read', 'hangs once', hangs, once, undecided],
  ['read', 'fails permanently', failsBefore(), permanently, undecided],
  ['read', 'is rejected', failsBefore('misconfigured'), permanently, rejected],
  ['resolve', 'fails before', failsBefore(), once, decided],
  ['resolve', 'fails after', failsAfter, once, decided],
  ['resolve', 'hangs before', hangs, once, undecided],
  ['resolve', 'hangs after', hangsAfter, once, decidedButUnanswered],
  ['resolve', 'fails before, permanently', failsBefore(), permanently, undecided],
  ['resolve', 'fails after, permanently', failsAfter, permanently, decidedButUnanswered],
  ['resolve', 'is rejected', failsBefore('misconfigured'), permanently, rejected],
];

describe.each(storeKinds)('Resolving a doubt ($name)', ({ open }) => {
  it.each(rows)(
    'when the call %s %s: the caller gets a typed error and may retry',
    async (verb, _how, fault, call, row) => {
      const { store: inner, close } = await open();
      const { name, fencingToken } = await leaveUnknownOutcome(inner);
      const store = new FaultStore(inner, shortMs);
      store.injectFault(verb, fault, call);
      const outcome = await resolveDoubt(store, name, { ...personsDecision, fencingToken }).then(
        ({ kind }) => kind,
        (error: IdempotencyError) => error.code,
      );
      expect([outcome, (await inner.read(name)).record?.state]).toEqual(row);
      store.clearFaults();
      expect(await resolveDoubt(store, name, { ...personsDecision, fencingToken })).toMatchObject({ kind: 'ok' });
      expect((await inner.read(name)).record).toMatchObject({ state: 'completed', decisions: [{ by: 'Ada' }] });
      await close();
    },
  );

  it('listDoubts and recoverAll reject when the store cannot scan', async () => {
    const { store: inner, close } = await open();
    const { name } = await leaveUnknownOutcome(inner);
    const scan = async () => {
      throw new StoreError('unavailable', 'An injected fault.');
    };
    const store = overrideVerbs(inner, { scan });
    await expect(listDoubts(store)).rejects.toBeInstanceOf(StoreError);
    await expect(recoverAll(store, { recover: () => recovery.notDone() })).rejects.toBeInstanceOf(StoreError);
    expect((await inner.read(name)).record?.state).toBe('unknown');
    await close();
  });
});

/** Work that failed with an unknown effect: its record name, and its fencing token. */
async function leaveUnknownOutcome(inner: IdempotencyStore) {
  const store = new FaultStore(inner);
  const fails = () => {
    throw new Error('no connection');
  };
  await executeIdempotently(fails, { store, scope: 'faults', key: 'order-1', onFailure: 'unknown' }).catch(() => {});
  const name = store.calls[0]?.key ?? '';
  return { name, fencingToken: (await inner.read(name)).record?.fencingToken ?? 0 };
}
