// The events of how executions end, and of what is decided about them.
import { drainStore, recovery, removeRecord, resolveDoubt } from '@onceguard/core';
import { hangs } from '@onceguard/testing';
import { expect } from 'vitest';
import { type EventRow, ended, fails, pay } from './event-rows.js';
import { recordNameIn } from './store-testbed.js';

export const endingRows: readonly EventRow[] = [
  {
    event: 'executed',
    when: 'the result of a function is on record',
    act: ({ store }) => pay(store),
    content: { ...ended, kind: 'result', status: null, bytes: expect.any(Number) },
  },
  {
    event: 'executed',
    when: 'an error that counts as an outcome is on record',
    act: ({ store }) => pay(store, fails, { finalErrors: [Error] }),
    content: { ...ended, kind: 'error', status: null, bytes: expect.any(Number) },
  },
  {
    event: 'executed',
    when: 'the fact is on record without a result that is too large',
    act: ({ store }) => pay(store, () => 'x'.repeat(100), { maxOutcomeBytes: 10 }),
    content: { ...ended, kind: 'result', status: null, bytes: null },
  },
  {
    event: 'executed',
    when: 'a result is recorded late',
    act: async ({ store }) => {
      store.injectFault('complete', hangs, 1);
      await pay(store);
      await drainStore(store);
    },
    content: { ...ended, kind: 'result', status: null, bytes: expect.any(Number) },
  },
  {
    event: 'released',
    when: 'the work failed',
    act: ({ store }) => pay(store, fails),
    content: { ...ended, cause: 'failed' },
  },
  {
    event: 'released',
    when: 'the work failed and says that nothing happened',
    act: ({ store }) =>
      pay(store, (context) => {
        context.markNothingHappened();
        throw new Error('invalid');
      }),
    content: { ...ended, cause: 'nothing_happened' },
  },
  {
    event: 'released',
    when: 'the store takes the release only when it is repeated in the background',
    act: async ({ store }) => {
      store.injectFault('release', hangs, 1);
      await pay(store, fails);
      await drainStore(store);
    },
    content: { ...ended, cause: 'failed' },
  },
  {
    event: 'outcome_unknown',
    when: 'the work failed and may have taken effect',
    act: async ({ store }) => {
      await pay(store, fails, { onFailure: 'unknown' });
      // The refusal of a repeat says nothing new.
      await pay(store);
    },
    content: { ...ended, cause: 'failed' },
  },
  {
    event: 'outcome_unknown',
    when: 'a step that nobody may repeat is in doubt',
    act: ({ store }) => pay(store, ({ step }) => step('charge', fails as () => never, { atMostOnce: true })),
    content: { ...ended, cause: 'step_in_doubt' },
  },
  {
    event: 'outcome_unknown',
    when: 'the recover function could not tell',
    before: ({ store }) => pay(store, fails, { onFailure: 'unknown' }),
    act: ({ store }) => pay(store, () => 'paid', { onAbandoned: () => recovery.stillUnknown() }),
    content: { attempt: 2, durationMs: expect.any(Number), cause: 'still_unknown' },
  },
  {
    event: 'waited',
    when: 'a caller has waited for the outcome of another',
    act: async ({ store }) => {
      const options = { onInProgress: { waitMs: 5_000 } };
      await pay(store, async () => {
        void pay(store, () => 'never', options);
        await store.waitForCalls('acquire', 3);
      });
      await pay(store, () => 'never', options);
    },
    content: { waitedMs: expect.any(Number), standing: 'completed' },
  },
  {
    event: 'decided',
    when: 'a person has decided',
    before: ({ store }) => pay(store, fails, { onFailure: 'unknown' }),
    act: ({ store }) =>
      resolveDoubt(store, recordNameIn(store), { as: 'not_done', by: 'ada', reason: 'no charge at the bank' }),
    content: { attempt: 1, as: 'not_done', by: 'ada', reason: 'no charge at the bank' },
  },
  {
    event: 'decided',
    when: 'a person has removed a record, once',
    before: ({ store }) => pay(store),
    act: async ({ store }) => {
      const name = recordNameIn(store);
      expect(await removeRecord(store, name, { by: 'ada', reason: 'a test payment' })).toMatchObject({
        kind: 'removed',
      });
      expect(await removeRecord(store, name, { by: 'ada', reason: 'a test payment' })).toMatchObject({ kind: 'gone' });
    },
    content: { attempt: 1, as: 'removed', by: 'ada', reason: 'a test payment' },
  },
  {
    event: 'decided',
    when: 'a recover function found out what happened',
    before: ({ store }) => pay(store, fails, { onFailure: 'unknown' }),
    act: ({ store }) => pay(store, () => 'paid', { onAbandoned: () => recovery.notDone() }),
    content: { attempt: 2, as: 'not_done', by: 'recover', reason: expect.any(String) },
  },
];
