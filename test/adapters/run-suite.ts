// Runs the published suite for one framework.
import { adapterSuite } from '@onceguard/testing/adapters';
import { test } from 'vitest';
import { isRepresentative, loadFrameworks, wantedNames } from './frameworks.js';
import { storeKinds } from './store-kinds.js';

/**
 * On memory, and on Redis where the store can matter, for one framework of each adapter. Its other majors and transports run the same code of
 * the adapter: on memory alone, and without the tests of what all adapters share. `ADAPTER_STORES=each` runs every test on both. Nothing runs
 * where `FRAMEWORKS` names only others.
 */
export async function runSuite(name: string): Promise<void> {
  if (!wantedNames.includes(name)) return test.skip(`FRAMEWORKS does not name ${name}`, () => {});
  const everyTestOnEachStore = process.env.ADAPTER_STORES === 'each';
  for (const framework of await loadFrameworks([name])) {
    const anotherVersion = !isRepresentative(framework);
    const stores = anotherVersion ? storeKinds.slice(0, 1) : storeKinds;
    adapterSuite({ framework, stores, everyTestOnEachStore, anotherVersion });
  }
}
