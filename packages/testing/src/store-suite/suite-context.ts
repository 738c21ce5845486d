// What the suite is given, and what each of its tests gets: a fresh world, a fresh key, and a way through time.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IdempotencyStore } from '@onceguard/core/store';

/** Of the test runner: vitest, jest, mocha and node:test all have these two. */
export interface SuiteRunner {
  readonly describe: (title: string, body: () => void) => unknown;
  readonly test: (title: string, body: () => Promise<void>) => unknown;
}

/** Which tests of the suite apply to the store. */
export interface SuiteCapabilities {
  /** Other clients and processes see the same records. */
  readonly shared: boolean;
  /** The store's time can be moved. Where not, the suite takes leases of milliseconds and waits for them to end. */
  readonly controllableClock: boolean;
}

/** A world of one test's own: nothing that another test writes may be in it. */
export interface StoreFixture {
  readonly store: IdempotencyStore;
  /** Another client of the same records. Required where `shared` is declared. */
  readonly peer?: IdempotencyStore;
  /** Moves the store's time forward. Required where `controllableClock` is declared. */
  readonly advance?: (ms: number) => void | Promise<void>;
  /** Frees all that was made but `store`, which the suite closes itself before. */
  readonly close: () => Promise<void>;
}

export interface StoreSuiteOptions {
  readonly name: string;
  readonly runner: SuiteRunner;
  readonly capabilities: SuiteCapabilities;
  readonly create: () => Promise<StoreFixture>;
}

/** What a test of the contract works with. */
export interface StoreTestContext {
  readonly store: IdempotencyStore;
  /** Where `shared` is declared another client, otherwise the same one. */
  readonly peer: IdempotencyStore;
  readonly key: string;
  /** Resolves once the store's clock shows this time or a later one. */
  waitForStoreTime(at: number): Promise<void>;
}

export interface StoreSuiteContext {
  readonly capabilities: SuiteCapabilities;
  readonly describe: (title: string, body: () => void) => void;
  readonly test: (title: string, body: (bench: StoreTestContext) => Promise<void>) => void;
}

/** Longest real time that a test waits for an end of milliseconds. */
const maxWaitMs = 15_000;

export function createSuiteContext({ runner, capabilities, create }: StoreSuiteOptions): StoreSuiteContext {
  return {
    capabilities,
    describe: (title, body) => void runner.describe(title, body),
    test: (title, body) => void runner.test(title, () => runWithFreshFixture(create, capabilities, body)),
  };
}

async function runWithFreshFixture(
  create: () => Promise<StoreFixture>,
  capabilities: SuiteCapabilities,
  body: (bench: StoreTestContext) => Promise<void>,
): Promise<void> {
  const world = await create();
  const { store, advance, peer = store } = world;
  try {
    if (capabilities.shared) assert.ok(world.peer, '`shared` is declared: create() must answer a peer');
    if (capabilities.controllableClock)
      assert.ok(advance, '`controllableClock` is declared: create() must answer advance');
    const key = randomUUID();
    await body({
      store,
      peer,
      key,
      waitForStoreTime: (at) => waitForStoreTime(store, key, at, capabilities.controllableClock ? advance : undefined),
    });
  } finally {
    await store.close();
    await world.close();
  }
}

async function waitForStoreTime(
  store: IdempotencyStore,
  key: string,
  at: number,
  advance: StoreFixture['advance'],
): Promise<void> {
  const deadline = performance.now() + maxWaitMs;
  for (let { now } = await store.read(key); now < at; { now } = await store.read(key)) {
    assert.ok(performance.now() < deadline, `the store's clock still shows ${now} and not ${at}`);
    await (advance === undefined ? sleep(Math.min(at - now, 1_000)) : advance(at - now));
  }
}
