// The published store suite detects stores in which one clause of the contract is broken.
import { describe, expect, test } from 'vitest';
import * as protocol from '../../packages/core/src/protocol/index.js';
import type { IdempotencyStore } from '../../packages/core/src/store/port.js';
import { manualClock, storeSuite } from '../../packages/testing/src/index.js';
import { brokenAcquire } from '../protocol/model/broken-acquire.js';
import { brokenOwner } from '../protocol/model/broken-owner.js';
import { brokenRelease } from '../protocol/model/broken-release.js';
import { protocolStore } from './fixtures/protocol-store.js';

/** Clauses that the port cannot show: a clock that steps back, and an expired record, which a store may have dropped. */
const undetectableClauses = new Set([
  'the wait is not capped at the length of a lease',
  'complete: replaces the expired record of a newer owner',
]);

type BreakStore = (store: IdempotencyStore) => Partial<IdempotencyStore>;

const brokenStores: Record<string, BreakStore> = {
  'acquire reads and then writes, in two steps': (store) => ({
    async acquire(key, request) {
      const { record } = await store.read(key);
      if (record !== null) return store.acquire(key, request);
      await new Promise((resolve) => setImmediate(resolve));
      await store.remove(key);
      return store.acquire(key, request);
    },
  }),
  'an empty outcome is taken for none': (store) => ({
    complete(lease, completion) {
      return store.complete(
        lease,
        completion.outcome?.byteLength === 0 ? { ...completion, outcome: null } : completion,
      );
    },
  }),
  'bytes are converted to text and back': (store) => ({
    complete(lease, completion) {
      const outcome = completion.outcome && Buffer.from(Buffer.from(completion.outcome).toString());
      return store.complete(lease, { ...completion, outcome });
    },
  }),
  'scan omits the last record of each page': (store) => ({
    async scan(request) {
      const page = await store.scan(request);
      return page.records.length < 2 ? page : { ...page, records: page.records.slice(0, -1) };
    },
  }),
  'close has no effect': () => ({ close: async () => {} }),
  'arguments are not checked': (store) => ({
    release: (holder, request) =>
      store.release({ ...holder, recordTtlMs: Math.max(holder.outcomeTtlMs, holder.recordTtlMs) }, request),
  }),
};

describe('the store suite', () => {
  test('passes for a store that is the protocol and a map', async () => {
    expect(await firstFailure((clock) => protocolStore(protocol, clock))).toBeNull();
  });

  const clauses = Object.entries({ ...brokenAcquire, ...brokenOwner, ...brokenRelease }).filter(
    ([name]) => !undetectableClauses.has(name),
  );
  test.each(clauses)('detects the mutation: %s', async (_, variant) => {
    expect(await firstFailure((clock) => protocolStore({ ...protocol, ...variant }, clock))).not.toBeNull();
  });

  test.each(Object.entries(brokenStores))('detects the mutation: %s', async (_, breakStore) => {
    const create = (clock: () => number) => {
      const store = protocolStore(protocol, clock);
      return { ...store, ...breakStore(store) };
    };
    expect(await firstFailure(create)).not.toBeNull();
  });
});

/** The title of the first test of the suite that fails on such a store. */
async function firstFailure(create: (clock: () => number) => IdempotencyStore): Promise<string | null> {
  const tests: { title: string; body: () => Promise<void> }[] = [];
  storeSuite({
    name: 'broken',
    runner: { describe: (_, body) => body(), test: (title, body) => tests.push({ title, body }) },
    capabilities: { shared: false, controllableClock: true },
    async create() {
      const clock = manualClock();
      return { store: create(clock.now), advance: clock.advance, close: async () => {} };
    },
  });
  for (const { title, body } of tests) {
    const failed = await body().then(
      () => false,
      () => true,
    );
    if (failed) return title;
  }
  return null;
}
