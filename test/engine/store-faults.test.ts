// Every call that an execution makes to its store fails in every way: what the caller sees, what the record says, and
// how often the operation ran.
import { execute, type OperationContext } from '@onceguard/core';
import { failsAfter, failsBefore, hangs, hangsAfter, type Interference, type StoreVerb } from '@onceguard/core/testing';
import { expect, it } from 'vitest';
import { untilAborted } from '../support/aborted.js';
import { told } from './told.js';
import { onEveryStore, stateOf, type World } from './world.js';

const once1 = 1;
const forGood = null;

/** How the verb fails, how often, then: what the caller sees, the runs so far, the record's state, what a repeat sees. */
type Row = [how: string, Interference, typeof once1 | typeof forGood, string, number, string | null, string];

const rows: Partial<Record<StoreVerb, Row[]>> = {
  read: [
    ['fails before', failsBefore(), once1, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['fails after', failsAfter, once1, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['hangs', hangs, once1, 'store_unavailable', 0, null, 'paid, recorded'],
    ['fails for good', failsBefore(), forGood, 'store_unavailable', 0, null, 'paid, recorded'],
    ['hangs for good', hangs, forGood, 'store_unavailable', 0, null, 'paid, recorded'],
    ['is refused', failsBefore('misconfigured'), once1, 'store_misconfigured', 0, null, 'paid, recorded'],
  ],
  acquire: [
    ['fails before', failsBefore(), once1, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['fails before, perhaps after', failsBefore('unknown'), once1, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['fails after', failsAfter, once1, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['hangs before', hangs, once1, 'store_unavailable', 0, null, 'paid, recorded'],
    ['hangs after', hangsAfter, once1, 'store_unavailable', 0, 'retryable', 'paid, recorded'],
    ['fails for good before', failsBefore(), forGood, 'store_unavailable', 0, null, 'paid, recorded'],
    ['fails for good after', failsAfter, forGood, 'store_unavailable', 0, 'retryable', 'paid, recorded'],
    ['is refused', failsBefore('misconfigured'), once1, 'store_misconfigured', 0, null, 'paid, recorded'],
  ],
  complete: [
    ['fails before', failsBefore(), once1, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['fails after', failsAfter, once1, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['hangs before', hangs, once1, 'paid, unrecorded', 1, 'completed', 'paid, replayed'],
    ['hangs after', hangsAfter, once1, 'paid, unrecorded', 1, 'completed', 'paid, replayed'],
    ['fails for good before', failsBefore(), forGood, 'paid, unrecorded', 1, 'completed', 'paid, replayed'],
    ['fails for good after', failsAfter, forGood, 'paid, unrecorded', 1, 'completed', 'paid, replayed'],
    ['is refused for now', failsBefore('misconfigured'), forGood, 'paid, unrecorded', 1, 'completed', 'paid, replayed'],
    ['makes no sense', failsBefore('bug'), forGood, 'paid, unrecorded', 1, 'in_progress', 'in_progress'],
  ],
  release: [
    ['fails before', failsBefore(), once1, 'Error: declined', 1, 'retryable', 'paid, recorded'],
    ['fails after', failsAfter, once1, 'Error: declined', 1, 'retryable', 'paid, recorded'],
    ['hangs before', hangs, once1, 'Error: declined', 1, 'retryable', 'paid, recorded'],
    ['hangs after', hangsAfter, once1, 'Error: declined', 1, 'retryable', 'paid, recorded'],
    ['fails for good before', failsBefore(), forGood, 'Error: declined', 1, 'retryable', 'paid, recorded'],
    ['fails for good after', failsAfter, forGood, 'Error: declined', 1, 'retryable', 'paid, recorded'],
    ['makes no sense', failsBefore('bug'), forGood, 'Error: declined', 1, 'in_progress', 'in_progress'],
  ],
  renew: [
    ['fails before', failsBefore(), once1, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['fails after', failsAfter, once1, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['hangs', hangs, once1, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['fails for good', failsBefore(), forGood, 'paid, recorded', 1, 'completed', 'paid, replayed'],
    ['hangs for good', hangs, forGood, 'paid, recorded', 1, 'completed', 'paid, replayed'],
  ],
};

const table = Object.entries(rows).flatMap(([verb, lines]) =>
  lines.map((line) => [verb as StoreVerb, ...line] as const),
);

onEveryStore('A store call that fails', (open) => {
  it.each(table)('%s, when it %s', async (verb, _how, interference, call, caller, runs, state, repeat) => {
    const { store } = open();
    store.on(verb, interference, call);
    const work = workThatNeeds(verb, { store }, call === forGood);

    expect(await told(work.run())).toBe(caller);
    store.heal();
    expect({ runs: work.runs, state: await stateOf(store) }).toEqual({ runs, state });
    expect(await told(work.run())).toBe(repeat);
  });
});

/** An operation in whose course the verb is called: it fails at first, or outlives its lease. */
function workThatNeeds(verb: StoreVerb, { store }: Pick<World, 'store'>, isForGood: boolean) {
  const operation = async ({ signal }: OperationContext) => {
    work.runs += 1;
    if (verb === 'release' && work.runs === 1) throw new Error('declined');
    if (verb === 'renew' && isForGood) await untilAborted(signal);
    else if (verb === 'renew') await store.called('renew', 3);
    return 'paid';
  };
  const leaseMs = verb === 'renew' ? 900 : 30_000;
  const run = () => execute(operation, { store, scope: 'tests', key: 'payment-1', leaseMs });
  const work = { runs: 0, run };
  return work;
}
