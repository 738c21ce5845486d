// Registers a group of tests once for each registered framework and store: tests of what one framework has alone, and tests that need more
// than the published suite may ask for, such as processes to kill.
import {
  createAdapterTests,
  type Needs,
  type Testbed as TestbedOf,
} from '../../packages/testing/src/adapter-suite/adapter-tests.js';
import type { Framework } from '../../packages/testing/src/adapter-suite/framework.js';
import { frameworks, frameworksOverHttp2 } from './loaded-frameworks.js';
import { storeKinds } from './store-kinds.js';

export { memberOf } from '../../packages/testing/src/adapter-suite/adapter-tests.js';

export type Testbed<F extends Framework = Framework> = TestbedOf<F>;

/** What restricts the matrix. */
export interface Restriction<F extends Framework = Framework> extends Omit<Needs, 'on'> {
  /** To Redis, where a store outside the process is needed. */
  readonly store?: 'Redis';
  /** To one framework, for what no other has. */
  readonly only?: (framework: Framework) => framework is F;
  /** To some frameworks, for what takes too long on all. */
  readonly where?: (framework: Framework) => boolean;
}

export function onEveryFramework<F extends Framework = Framework>(
  title: string,
  tests: (testbed: Testbed<F>) => void,
  { store, only, where, ...needs }: Restriction<F> = {},
): void {
  const isWanted = (framework: Framework): framework is F =>
    (only?.(framework) ?? true) && (where?.(framework) ?? true);
  const stores = storeKinds.filter(({ name }) => name === (store ?? name));
  for (const framework of [...frameworks, ...frameworksOverHttp2].filter(isWanted)) {
    createAdapterTests(framework, stores, { everyTestOnEachStore: true, anotherVersion: false }).group(
      title,
      tests,
      needs,
    );
  }
}
