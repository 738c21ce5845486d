// In which async context work runs: that of its caller, or that of a tracer.
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  executeIdempotently,
  MemoryStore,
  type OperationContext,
  onExecution,
  provideTraceparent,
} from '@onceguard/core';
import { FaultStore, failsBefore, hangs } from '@onceguard/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { callOptions } from './abandoned-work.js';
import { summarize } from './execution-summary.js';
import { recordNameIn, recordOf } from './store-testbed.js';

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

describe('Every caller keeps its own async context', () => {
  const caller = new AsyncLocalStorage<string>();

  it('where several wait for one outcome and one of them polls for all', async () => {
    const store = memoryStore();
    const waiting = { onInProgress: { waitMs: 10_000 } };
    const contexts: unknown[] = [];
    const wait = async (name: string) =>
      await caller.run(name, async () => {
        await pay(store, () => 'never', waiting);
        contexts.push(caller.getStore());
      });
    let duplicates: Promise<unknown> = Promise.resolve();
    await pay(store, async () => {
      duplicates = Promise.all([wait('a'), wait('b'), wait('c')]);
      await store.waitForCalls('acquire', 4);
    });
    await duplicates;
    expect(contexts.sort()).toEqual(['a', 'b', 'c']);
  });

  it('where a call of the store is repeated, at once and in the background', async () => {
    const store = memoryStore();
    const contexts: unknown[] = [];
    const failFirst = (failures: number) => {
      let calls = 0;
      return (pass: () => Promise<unknown>) => {
        contexts.push(caller.getStore());
        calls += 1;
        return calls <= failures ? failsBefore()(pass as never) : pass();
      };
    };
    store.injectFault('acquire', failFirst(2) as never);
    store.injectFault('complete', hangs, 1);
    store.injectFault('complete', failFirst(0) as never, 2);
    await caller.run('alice', () => pay(store));
    await expect.poll(async () => (await recordOf(store.inner, recordNameIn(store)))?.state).toBe('completed');
    expect(contexts).toEqual(['alice', 'alice', 'alice', 'alice']);
  });
});

describe('A tracer with a context of its own', () => {
  const withContext = (runInContext: (call: () => void) => void) =>
    cleanUps.push(
      onExecution({
        start: (trace) => {
          trace.runInContext = runInContext;
        },
        asyncEnd: () => {},
      }),
    );

  it('has the work and the trace of the record within it', async () => {
    const store = memoryStore();
    let isActive = false;
    withContext((call) => {
      isActive = true;
      call();
      isActive = false;
    });
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    cleanUps.push(provideTraceparent(() => (isActive ? traceparent : undefined)));
    await pay(store);
    expect(await recordOf(store.inner, recordNameIn(store))).toMatchObject({ traceparent });
  });

  it.each<[string, (call: () => void) => void]>([
    ['throws before it calls', fails],
    [
      'throws after it has called',
      (call) => {
        call();
        fails();
      },
    ],
    [
      'calls twice',
      (call) => {
        call();
        call();
      },
    ],
    ['never calls', () => {}],
  ])('that %s neither keeps work from running nor runs it twice', async (_, runInContext) => {
    const store = memoryStore();
    withContext(runInContext);
    let runs = 0;
    await pay(store, () => {
      runs += 1;
    });
    expect(runs).toBe(1);
    expect(store.callsOf('acquire')).toHaveLength(1);
  });
});
