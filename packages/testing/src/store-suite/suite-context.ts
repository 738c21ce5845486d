// The options of the store suite, and the context that each of its tests gets: a fresh store and key, and a way to let time pass.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IdempotencyStore } from '@onceguard/core/store';

/** The two functions of a test runner that the suite needs. Those of vitest, Jest, Mocha and node:test all fit. */
export interface SuiteRunner {
  readonly describe: (title: string, body: () => void) => unknown;
  readonly test: (title: string, body: () => Promise<void>) => unknown;
}

/** Which tests of the suite apply to the store. */
export interface SuiteCapabilities {
  /** Whether other clients and processes see the same records. */
  readonly shared: boolean;
  /** Whether `advance` moves the store's clock. If not, the suite takes leases of milliseconds and waits until they end. */
  readonly controllableClock: boolean;
}

/** The stores of one test. Their records must be separate from those of every other test. */
export interface StoreFixture {
  readonly store: IdempotencyStore;
  /** Another client of the same records. Required if `shared` is declared. */
  readonly peer?: IdempotencyStore;
  /** Moves the store's clock forward by milliseconds. Required if `controllableClock` is declared. */
  readonly advance?: (ms: number) => void | Promise<void>;
  /** Frees everything but `store`. The suite closes `store` itself, before it calls this. */
  readonly close: () => Promise<void>;
}

export interface StoreSuiteOptions {
  /** Names the store in the title of the suite. */
  readonly name: string;
  readonly runner: SuiteRunner;
  readonly capabilities: SuiteCapabilities;
  /** Creates the stores of one test. The suite calls it before every test. */
  readonly create: () => Promise<StoreFixture>;
}

/** What a test of the suite gets. */
export interface StoreTestContext {
  readonly store: IdempotencyStore;
  /** Another client of the same records if `shared` is declared, otherwise `store` itself. */
  readonly peer: IdempotencyStore;
  readonly key: string;
  /** Resolves once the store's clock shows `time` or later. */
  waitForStoreTime(time: number): Promise<void>;
}

export interface StoreSuiteContext {
  readonly capabilities: SuiteCapabilities;
  readonly describe: (title: string, body: () => void) => void;
  readonly test: (title: string, body: (context: StoreTestContext) => Promise<void>) => void;
}

/** The longest real time that a test waits for the store's clock. */
const maxWaitMs = 60_000;

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
  body: (context: StoreTestContext) => Promise<void>,
): Promise<void> {
  const fixture = await create();
  const { store, advance, peer = store } = fixture;
  try {
    if (capabilities.shared) assert.ok(fixture.peer, '`shared` is declared: create() must return a peer');
    if (capabilities.controllableClock)
      assert.ok(advance, '`controllableClock` is declared: create() must return advance');
    const key = randomUUID();
    await body({
      store,
      peer,
      key,
      waitForStoreTime: (time) =>
        waitForStoreTime(store, key, time, capabilities.controllableClock ? advance : undefined),
    });
  } finally {
    await store.close();
    await fixture.close();
  }
}

async function waitForStoreTime(
  store: IdempotencyStore,
  key: string,
  time: number,
  advance: StoreFixture['advance'],
): Promise<void> {
  const deadline = performance.now() + maxWaitMs;
  for (let { now } = await store.read(key); now < time; { now } = await store.read(key)) {
    assert.ok(performance.now() < deadline, `the store's clock still shows ${now} and not ${time}`);
    await (advance === undefined ? sleep(Math.min(time - now, 1_000)) : advance(time - now));
  }
}
