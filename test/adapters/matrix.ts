// Registers a group of tests once for each framework and store.
import { afterEach, describe } from 'vitest';
import { type AppSpec, type Framework, frameworks, type RunningApp, start } from './frameworks.js';
import { type StoreKind, type StoreWorld, storeKinds } from './stores.js';

export interface World {
  readonly framework: Framework;
  readonly kind: StoreKind;
  /** A store of this test's own, closed after it. */
  openStore(): Promise<StoreWorld>;
  /** An application on a free port, closed after the test. */
  start(spec: AppSpec): Promise<RunningApp>;
}

/** `only` restricts the matrix: a family of frameworks, or Redis where a store outside the process is needed. */
export function onEveryFramework(
  title: string,
  tests: (world: World) => void,
  only: { family?: 'express' | 'koa'; store?: 'Redis' } = {},
): void {
  for (const framework of frameworks.filter(({ family }) => family === (only.family ?? family))) {
    for (const kind of storeKinds.filter(({ name }) => name === (only.store ?? name))) {
      describe(`${title} (${framework.name}, ${kind.name})`, () => tests(newWorld(framework, kind)));
    }
  }
}

function newWorld(framework: Framework, kind: StoreKind): World {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  return {
    framework,
    kind,
    openStore: async () => {
      const world = await kind.open();
      open.push(world);
      return world;
    },
    start: async (spec) => {
      const app = await start(framework, spec);
      open.push(app);
      return app;
    },
  };
}
