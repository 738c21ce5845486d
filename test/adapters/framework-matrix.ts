// Registers a group of tests once for each framework and store.
import { afterEach, describe } from 'vitest';
import {
  type AppSpec,
  type Framework,
  frameworks,
  frameworksOverHttp2,
  type RunningApp,
  start,
  type Transport,
} from './frameworks.js';
import { type OpenedStore, type StoreKind, storeKinds } from './store-kinds.js';

export interface Testbed {
  readonly framework: Framework;
  readonly kind: StoreKind;
  /** A store of this test alone, closed after it. */
  openStore(): Promise<OpenedStore>;
  /** An application on a free port, closed after the test. */
  start(spec: AppSpec): Promise<RunningApp>;
  /** A reason phrase as a client gets it: none over HTTP/2. */
  reasonPhrase(phrase: string | undefined): string | undefined;
}

/**
 * `only` restricts the matrix: to a family of frameworks, to HTTP/1 for what HTTP/2 lacks, or to Redis where a store
 * outside the process is needed.
 */
export function onEveryFramework(
  title: string,
  tests: (testbed: Testbed) => void,
  only: { family?: 'express' | 'koa'; transport?: Transport; store?: 'Redis' } = {},
): void {
  const all = [...frameworks, ...frameworksOverHttp2].filter(
    ({ family, transport }) => family === (only.family ?? family) && transport === (only.transport ?? transport),
  );
  for (const framework of all) {
    for (const kind of storeKinds.filter(({ name }) => name === (only.store ?? name))) {
      describe(`${title} (${framework.name}, ${kind.name})`, () => tests(newTestbed(framework, kind)));
    }
  }
}

function newTestbed(framework: Framework, kind: StoreKind): Testbed {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  return {
    framework,
    kind,
    reasonPhrase: (phrase) => (framework.transport === 'HTTP/2' ? '' : phrase),
    openStore: async () => {
      const testbed = await kind.open();
      open.push(testbed);
      return testbed;
    },
    start: async (spec) => {
      const app = await start(framework, spec);
      open.push(app);
      return app;
    },
  };
}
