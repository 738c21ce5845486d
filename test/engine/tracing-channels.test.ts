// The channels for tracers: what they say of an execution and of each call of a store, in which context work runs, and that none costs
// anything without a subscriber.
import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import {
  type ExecutionTrace,
  executeIdempotently,
  localCache,
  MemoryStore,
  type OperationContext,
  onEvent,
  onExecution,
  onStoreCall,
  provideTraceparent,
  recovery,
  type StoreTrace,
} from '@onceguard/core';
import { FaultStore, failsBefore, hangs } from '@onceguard/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { callOptions } from './abandoned-work.js';
import { summarize } from './execution-summary.js';
import { onEveryStore, recordNameIn } from './store-testbed.js';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

const memoryStore = () => new FaultStore(new MemoryStore(), 200);
const fails = () => {
  throw new Error('declined');
};
const pay = (
  store: FaultStore,
  operation: (context: OperationContext) => unknown = () => 'paid',
  options: object = {},
) => summarize(executeIdempotently(operation, callOptions(store, { operation: 'pay', ...options })));

/** The executions that have ended, in the order in which they did. */
function collectExecutions(): ExecutionTrace[] {
  const ended: ExecutionTrace[] = [];
  cleanUps.push(onExecution({ start: () => {}, asyncEnd: (trace) => ended.push(trace) }));
  return ended;
}

function collectStoreCalls(): StoreTrace[] {
  const ended: StoreTrace[] = [];
  cleanUps.push(onStoreCall({ start: () => {}, asyncEnd: (trace) => ended.push(trace) }));
  return ended;
}

interface OutcomeRow {
  readonly outcome: string;
  readonly attempt: number | null;
  readonly when: string;
  before?(store: FaultStore): Promise<unknown>;
  act(store: FaultStore): Promise<unknown>;
}

const rows: OutcomeRow[] = [
  { outcome: 'executed', attempt: 1, when: 'it ran', act: (store) => pay(store) },
  {
    outcome: 'replayed',
    attempt: null,
    when: 'it is a repeat',
    before: (store) => pay(store),
    act: (store) => pay(store),
  },
  { outcome: 'released', attempt: 1, when: 'the work failed', act: (store) => pay(store, fails) },
  {
    outcome: 'outcome_unknown',
    attempt: 1,
    when: 'the work failed and may have taken effect',
    act: (store) => pay(store, fails, { onFailure: 'unknown' }),
  },
  {
    outcome: 'outcome_unknown',
    attempt: null,
    when: 'it is refused because of that',
    before: (store) => pay(store, fails, { onFailure: 'unknown' }),
    act: (store) => pay(store),
  },
  {
    outcome: 'executed',
    attempt: 2,
    when: 'a recover function found the result',
    before: (store) => pay(store, fails, { onFailure: 'unknown' }),
    act: (store) => pay(store, fails, { onAbandoned: () => recovery.done('found') }),
  },
  {
    outcome: 'key_reused',
    attempt: null,
    when: 'its payload is another',
    before: (store) => pay(store, () => 'paid', { fingerprint: 1 }),
    act: (store) => pay(store, () => 'paid', { fingerprint: 2 }),
  },
  {
    outcome: 'expired',
    attempt: null,
    when: 'the result was not kept',
    before: (store) => pay(store, () => 'x'.repeat(100), { maxOutcomeBytes: 10 }),
    act: (store) => pay(store),
  },
  {
    outcome: 'outcome_unrecorded',
    attempt: 1,
    when: 'its result could not be recorded in time',
    act: async (store) => {
      store.injectFault('complete', hangs, 1);
      await pay(store);
    },
  },
  {
    outcome: 'bypassed',
    attempt: null,
    when: 'it ran without the store',
    act: async (store) => {
      store.injectFault('acquire', failsBefore());
      store.injectFault('read', failsBefore());
      await pay(store, () => 'paid', { onStoreUnavailable: 'bypass' });
    },
  },
  {
    outcome: 'store_unavailable',
    attempt: null,
    when: 'the store does not reply',
    act: async (store) => {
      store.injectFault('acquire', failsBefore());
      store.injectFault('read', failsBefore());
      await pay(store);
    },
  },
  {
    outcome: 'lease_lost',
    attempt: 1,
    when: 'the work failed after its lease was lost',
    act: (store) =>
      pay(
        store,
        async () => {
          await store.inner.remove(recordNameIn(store));
          await store.waitForCalls('renew', 1);
          await new Promise((resolve) => setImmediate(resolve));
          throw new Error('too late');
        },
        { leaseMs: 3_000 },
      ),
  },
];

describe('A tracer learns what became of an execution', () => {
  it.each(rows)('$outcome, where $when', async ({ outcome, attempt, before, act }) => {
    const store = memoryStore();
    await before?.(store);
    const ended = collectExecutions();
    await act(store);
    expect(ended).toMatchObject([
      { store: 'memory', recordName: recordNameIn(store), operation: 'pay', outcome, attempt },
    ]);
  });

  it('in_progress, where another attempt is at work, and only then the end of that one', async () => {
    const store = memoryStore();
    const ended = collectExecutions();
    await pay(store, () => pay(store));
    expect(ended.map(({ outcome }) => outcome)).toEqual(['in_progress', 'executed']);
  });

  it('with the trace of the attempt that executed, of a replay', async () => {
    const store = memoryStore();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const remove = provideTraceparent(() => traceparent);
    await pay(store);
    remove();
    const ended = collectExecutions();
    await pay(store);
    expect(ended).toMatchObject([{ outcome: 'replayed', originalTraceparent: traceparent }]);
  });
});

onEveryStore('A tracer', (open) => {
  it('learns of every call of the store, with its verb, its work and how it ended', async () => {
    const { store } = open();
    // The first call of a process reads the store's clock.
    await pay(store, () => 'paid', { key: 'before' });
    store.injectFault('acquire', failsBefore(), store.callsOf('acquire').length + 1);
    const calls = collectStoreCalls();
    await pay(store);
    const ofPayment = calls.map(({ verb, operation, error }) => [verb, operation, error === undefined]);
    expect(ofPayment).toEqual([
      ['acquire', 'pay', false],
      ['acquire', 'pay', true],
      ['complete', 'pay', true],
    ]);
  });

  it('that binds an AsyncLocalStorage has it in the work, in the calls of the store, and not around them', async () => {
    const { store } = open();
    const { start } = tracingChannel<'start', ExecutionTrace>('onceguard:execution');
    const active = new AsyncLocalStorage<string>();
    start.bindStore(
      active as AsyncLocalStorage<never>,
      (trace) => `span of ${(trace as ExecutionTrace).operation}` as never,
    );
    cleanUps.push(() => void start.unbindStore(active as AsyncLocalStorage<never>));
    const seen: unknown[] = [];
    store.injectFault('complete', (pass) => {
      seen.push(active.getStore());
      return pass();
    });
    await pay(store, () => seen.push(active.getStore()));
    expect(seen).toEqual(['span of pay', 'span of pay']);
    expect(active.getStore()).toBeUndefined();
  });
});

describe('Without a subscriber', () => {
  it('an execution and its calls of the store compute nothing for one', async () => {
    const inner = new MemoryStore();
    let reads = 0;
    const named = Object.defineProperty(new FaultStore(inner), 'name', {
      get: () => {
        reads += 1;
        return 'memory';
      },
    });
    await pay(named);
    await pay(named);
    const withoutSubscriber = reads;
    collectExecutions();
    await pay(named);
    expect([withoutSubscriber, reads > withoutSubscriber]).toEqual([0, true]);
  });
});

describe('A replay', () => {
  it('says that it came from a local cache where the store was not asked', async () => {
    const store = memoryStore();
    const cached = localCache(store);
    const from: string[] = [];
    cleanUps.push(onEvent('replayed', (event) => from.push(event.from)));
    const repeat = () => summarize(executeIdempotently(() => 'paid', { ...callOptions(store), store: cached }));
    for (let calls = 0; calls < 3; calls += 1) await repeat();
    expect(from).toEqual(['store', 'cache']);
  });
});
