// Doubts are noticed without a retry: by a watch, and by a process that refuses a caller because of one. Once each.
import {
  type Events,
  executeIdempotently,
  MemoryStore,
  onEvent,
  readStoreGauges,
  recordName,
  recovery,
  removeRecord,
  resolveDoubt,
  StoreError,
  type WatchDoubtsOptions,
  watchDoubts,
} from '@onceguard/core';
import type { ScanRequest } from '@onceguard/core/store';
import { FaultStore, failsBefore } from '@onceguard/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { nextEvent } from '../../packages/testing/src/adapter-suite/support/next-event.js';
import { overrideVerbs } from '../adapters/store-kinds.js';
import { abandonWork, blockPolicy, callOptions, vanishAtOnce } from './abandoned-work.js';
import { summarize } from './execution-summary.js';
import { onEveryStore, recordNameIn } from './store-testbed.js';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

const fails = () => {
  throw new Error('no connection');
};

/** Collects the doubts that are published about one record. The Redis of the tests has doubts of other tests, too. */
function collectDoubts(): { of(name: string): Events['outcome_unknown'][] } {
  const published: Events['outcome_unknown'][] = [];
  cleanUps.push(onEvent('outcome_unknown', (event) => published.push(event)));
  return { of: (name) => published.filter((event) => event.recordName === name) };
}

/** The store under another name, as another process sees it: what this process published of the one is not known of the other. */
const elsewhere = (store: FaultStore) => overrideVerbs(store.inner, { name: 'elsewhere' });

function watch(store: Parameters<typeof watchDoubts>[0], options: WatchDoubtsOptions = { intervalMs: 100 }) {
  const started = watchDoubts(store, options);
  cleanUps.push(() => started.stop());
  return started;
}

/** Leaves another doubt, and resolves when the watch has published it: a look has followed whatever was before. */
async function anotherLook(store: FaultStore, doubts: ReturnType<typeof collectDoubts>, key: string): Promise<void> {
  await abandonWork(store, vanishAtOnce, { ...blockPolicy, key });
  await expect.poll(() => doubts.of(recordName({ scope: 'tests', key })), { timeout: 60_000 }).toHaveLength(1);
}

/** The clock of the store runs by itself, so leases end. */
const memoryStore = () => new FaultStore(new MemoryStore(), 200);

onEveryStore('A watch', (open) => {
  it('publishes that an owner vanished, without a retry, and once', async () => {
    const { store } = open();
    const doubts = collectDoubts();
    const { count } = watch(store);
    expect(count).toBeNull();
    await abandonWork(store, vanishAtOnce, { ...blockPolicy, operation: 'pay' });
    const name = recordNameIn(store);
    await expect.poll(() => doubts.of(name), { timeout: 60_000 }).toHaveLength(1);
    await anotherLook(store, doubts, 'order-2');
    const abandoned = { operation: 'pay', attempt: 1, durationMs: null, cause: 'abandoned' };
    expect(doubts.of(name)).toEqual([{ store: store.name, recordName: name, ...abandoned }]);
  });

  it('does not publish again what this process published when the attempt ended', async () => {
    const { store } = open();
    const doubts = collectDoubts();
    watch(store);
    await executeIdempotently(fails, callOptions(store, { onFailure: 'unknown' })).catch(() => {});
    await anotherLook(store, doubts, 'order-2');
    expect(doubts.of(recordNameIn(store)).map(({ cause }) => cause)).toEqual(['failed']);
  });
});

describe('A watch', () => {
  it('publishes what another process left unknown', async () => {
    const store = memoryStore();
    await executeIdempotently(fails, callOptions(store, { onFailure: 'unknown' })).catch(() => {});
    const doubts = collectDoubts();
    watch(elsewhere(store));
    await expect.poll(() => doubts.of(recordNameIn(store))).toMatchObject([{ cause: 'left_unknown', attempt: 1 }]);
  });

  it('publishes what is on a page, although the next page fails', async () => {
    const store = memoryStore();
    await executeIdempotently(fails, callOptions(store, { onFailure: 'unknown' })).catch(() => {});
    const doubts = collectDoubts();
    const scan = async (request: ScanRequest) => {
      if (request.cursor === 'next') throw new StoreError('unavailable', 'gone');
      return { ...(await store.inner.scan(request)), cursor: 'next' };
    };
    const watching = watch(overrideVerbs(store.inner, { name: 'elsewhere', scan }));
    await expect.poll(() => doubts.of(recordNameIn(store))).toHaveLength(1);
    expect(watching.count).toBeNull();
  });

  it('leaves out what runs again by itself', async () => {
    const store = memoryStore();
    const watching = watch(store);
    await abandonWork(store, vanishAtOnce);
    await expect.poll(() => watching.count).toBe(0);
  });

  it('counts what needs a decision, for a gauge that is gone when it stops', async () => {
    const store = memoryStore();
    const gauge = () => readStoreGauges().find(({ store: name }) => name === store.name)?.doubts;
    const watching = watch(store);
    const unknown = (key: string) =>
      executeIdempotently(fails, callOptions(store, { key, onFailure: 'unknown' })).catch(() => {});
    await Promise.all([unknown('order-1'), unknown('order-2')]);
    await expect.poll(() => watching.count).toBe(2);
    expect(gauge()).toBe(2);
    await resolveDoubt(store, recordNameIn(store), { as: 'not_done', by: 'ada', reason: 'no charge' });
    await expect.poll(gauge).toBe(1);
    watching.stop();
    expect(gauge()).toBeNull();
  });

  it('publishes a doubt once, although a recovery that cannot tell makes further attempts of it', async () => {
    const store = memoryStore();
    await executeIdempotently(fails, callOptions(store, { onFailure: 'unknown' })).catch(() => {});
    const doubts = collectDoubts();
    const watching = watch(elsewhere(store));
    await expect.poll(() => watching.count).toBe(1);
    const onAbandoned = () => recovery.stillUnknown();
    await summarize(executeIdempotently(() => 'paid', callOptions(store, { onAbandoned })));
    await expect.poll(() => watching.count).toBe(1);
    const causes = doubts.of(recordNameIn(store)).map(({ store: name, cause }) => [name, cause]);
    expect(causes).toEqual([
      ['elsewhere', 'left_unknown'],
      [store.name, 'still_unknown'],
    ]);
  });

  it('publishes a doubt again that comes after a decision', async () => {
    const store = memoryStore();
    const doubts = collectDoubts();
    watch(elsewhere(store));
    const unknown = () => executeIdempotently(fails, callOptions(store, { onFailure: 'unknown' })).catch(() => {});
    await unknown();
    const name = recordNameIn(store);
    const ofWatch = () => doubts.of(name).filter((event) => event.store === 'elsewhere');
    await expect.poll(() => ofWatch().length).toBe(1);
    await resolveDoubt(store, name, { as: 'not_done', by: 'ada', reason: 'no charge' });
    await unknown();
    await expect.poll(() => ofWatch().map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('goes on after a look that failed, which is an event', async () => {
    const failure = nextEvent('store_error');
    let isAway = true;
    const away = async () => {
      throw new StoreError('unavailable', 'An injected fault.');
    };
    const get = (target: MemoryStore, name: keyof MemoryStore) =>
      typeof target[name] === 'function' ? (isAway ? away : target[name].bind(target as never)) : target[name];
    const watching = watch(new Proxy(new MemoryStore(), { get } as ProxyHandler<MemoryStore>));
    expect(await failure).toMatchObject({ store: 'memory', recordName: null });
    expect(watching.count).toBeNull();
    isAway = false;
    await expect.poll(() => watching.count).toBe(0);
  });

  it('ends with its signal, also with one that has aborted already', async () => {
    const store = memoryStore();
    const aborted = watch(store, { intervalMs: 100, signal: AbortSignal.abort() });
    const controller = new AbortController();
    const watching = watch(elsewhere(store), { intervalMs: 100, signal: controller.signal });
    await expect.poll(() => watching.count).toBe(0);
    controller.abort();
    expect(readStoreGauges().find(({ store: name }) => name === 'elsewhere')?.doubts).toBeNull();
    expect(aborted.count).toBeNull();
  });

  it.each([
    [{ intervalMs: 5 }, 'intervalMs'],
    [{ interval: 5_000 }, 'interval'],
    [{ signal: 'stop' }, 'signal'],
  ])('refuses %j with the name of the option', (options, name) => {
    expect(() => watchDoubts(new MemoryStore(), options as never)).toThrow(name);
  });
});

describe('A caller that is refused because of a doubt', () => {
  it('makes its process publish that, once for all retries', async () => {
    const store = memoryStore();
    await abandonWork(store, vanishAtOnce, blockPolicy);
    const doubts = collectDoubts();
    const readsBefore = store.callsOf('read').length;
    const retry = () => summarize(executeIdempotently(() => 'paid', callOptions(store, blockPolicy)));
    expect([await retry(), await retry(), await retry()]).toEqual(Array(3).fill('outcome_unknown'));
    await expect.poll(() => doubts.of(recordNameIn(store))).toMatchObject([{ cause: 'abandoned', attempt: 1 }]);
    expect(store.callsOf('read').length - readsBefore).toBe(1);
  });

  it('costs no further call where nobody listens', async () => {
    const store = memoryStore();
    await abandonWork(store, vanishAtOnce, blockPolicy);
    const readsBefore = store.callsOf('read').length;
    await summarize(executeIdempotently(() => 'paid', callOptions(store, blockPolicy)));
    expect(store.callsOf('read').length - readsBefore).toBe(0);
  });

  it('is refused all the same where the record cannot be read', async () => {
    const store = memoryStore();
    await abandonWork(store, vanishAtOnce, blockPolicy);
    collectDoubts();
    store.injectFault('read', failsBefore());
    const failure = nextEvent('store_error');
    expect(await summarize(executeIdempotently(() => 'paid', callOptions(store, blockPolicy)))).toBe('outcome_unknown');
    expect(await failure).toMatchObject({ verb: 'read' });
  });
});

describe('Removing a record', () => {
  it('lets the next call run, and rejects with the error of the store where that fails', async () => {
    const store = memoryStore();
    const pay = () => summarize(executeIdempotently(() => 'paid', callOptions(store)));
    await pay();
    const remove = () => removeRecord(store, recordNameIn(store), { by: 'ada', reason: 'a test payment' });
    for (const verb of ['read', 'remove'] as const) {
      store.injectFault(verb, failsBefore('misconfigured'));
      await expect(remove()).rejects.toBeInstanceOf(StoreError);
      store.clearFaults();
    }
    expect(await pay()).toContain('replayed');
    expect(await remove()).toMatchObject({ kind: 'removed' });
    expect(await pay()).toBe('paid, recorded');
  });

  it.each([{ by: 'ada' }, { by: '', reason: 'x' }, { by: 'ada', reason: 'x'.repeat(501) }])(
    'refuses a decision without a name or a reason: %j',
    async (options) => {
      const store = memoryStore();
      await expect(removeRecord(store, 'any', options as never)).rejects.toMatchObject({ code: 'option_invalid' });
    },
  );
});
