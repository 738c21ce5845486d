// What a group of tests of the adapter suite gets: a framework, a store, and applications that end with each test.
import { afterEach, describe, expect } from 'vitest';
import { type RunningApp, start } from './app-server.js';
import type { Capability } from './capabilities.js';
import type { AppSpec, Framework, LayerAction, NodeLayer, Transport } from './framework.js';
import type { OpenedStore, SuiteStore } from './stores.js';

/** The framework and the store of a group of tests. */
export interface Testbed<F extends Framework = Framework> {
  readonly framework: F;
  readonly kind: SuiteStore;
  /** Whether the whole suite runs on another version of this framework. */
  readonly anotherVersion: boolean;
  /** Whether the framework can do all of this. */
  has(...capabilities: readonly Capability[]): boolean;
  /** A store of this test alone, closed after it. */
  openStore(): Promise<OpenedStore>;
  /** An application on a free port, closed after the test. */
  start(spec: AppSpec): Promise<RunningApp>;
  /** Layers of the framework. They throw where it has none: a test that needs them says so. */
  layer(action: LayerAction): unknown;
  nodeLayer(run: NodeLayer): unknown;
  bodyLayer(change: (body: string) => string): unknown;
  /** A reason phrase as a client gets it: none over HTTP/2, any where the framework has none of its own. */
  reasonPhrase(phrase: string | undefined): string | undefined;
}

/** What a group of tests needs. */
export interface Needs {
  /** What the framework must be able to do. */
  readonly needs?: readonly Capability[];
  /** HTTP/1, for what HTTP/2 lacks. */
  readonly transport?: Transport;
  /**
   * The stores on which the group runs. `first` (default): no outcome can depend on the store. `each`: one may, by when a reply comes or
   * by what it is. `last`: the same, and the tests wait for leases to end.
   */
  readonly on?: 'first' | 'each' | 'last';
}

/** Registers groups of tests. */
export interface AdapterTests<F extends Framework = Framework> {
  readonly framework: F;
  group(title: string, tests: (testbed: Testbed<F>) => void, needs?: Needs): void;
}

/** Groups of tests for this framework. Groups that need what it lacks are left out. */
export function createAdapterTests<F extends Framework>(
  framework: F,
  stores: readonly SuiteStore[],
  { everyTestOnEachStore, anotherVersion }: { everyTestOnEachStore: boolean; anotherVersion: boolean },
): AdapterTests<F> {
  return {
    framework,
    group(title, tests, { needs = [], transport = framework.transport, on = 'first' } = {}) {
      if (transport !== framework.transport || !canDo(framework, needs)) return;
      for (const kind of storesFor(stores, everyTestOnEachStore ? 'each' : on)) {
        describe(`${title} (${framework.name}, ${kind.name})`, () =>
          tests(newTestbed(framework, kind, anotherVersion)));
      }
    },
  };
}

function storesFor(stores: readonly SuiteStore[], on: 'first' | 'each' | 'last'): readonly SuiteStore[] {
  if (on === 'each') return stores;
  return on === 'first' ? stores.slice(0, 1) : stores.slice(-1);
}

/** Whether a framework can do all of this. */
export function canDo({ lacks }: Framework, capabilities: readonly Capability[]): boolean {
  return capabilities.every((capability) => lacks[capability] === undefined);
}

function newTestbed<F extends Framework>(framework: F, kind: SuiteStore, anotherVersion: boolean): Testbed<F> {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  return {
    framework,
    kind,
    anotherVersion,
    has: (...capabilities) => canDo(framework, capabilities),
    openStore: async () => {
      const opened = await kind.open();
      open.push(opened);
      return opened;
    },
    start: async (spec) => {
      const app = await start(framework, spec);
      open.push(app);
      return app;
    },
    layer: (action) => memberOf(framework, 'layer')(action),
    nodeLayer: (run) => memberOf(framework, 'nodeLayer')(run),
    bodyLayer: (change) => memberOf(framework, 'bodyLayer')(change),
    reasonPhrase: (phrase) => {
      if (framework.transport === 'HTTP/2') return '';
      return canDo(framework, ['reasonPhrases']) ? phrase : expect.any(String);
    },
  };
}

/** A member that a registration may leave out if it says what the framework lacks. */
export function memberOf<K extends keyof Framework>(framework: Framework, name: K): NonNullable<Framework[K]> {
  const member = framework[name];
  if (member === undefined || member === null) throw new Error(`The registration of ${framework.name} has no ${name}.`);
  return member;
}
