// The contract of a store as tests, for any test runner: a store that passes may stand under the engine.

import { abandonedAttemptTests } from './store-suite/abandoned-attempt-tests.js';
import { acquireTests } from './store-suite/acquire-tests.js';
import { adminTests } from './store-suite/admin-tests.js';
import { argumentCheckTests } from './store-suite/argument-check-tests.js';
import { byteFidelityTests } from './store-suite/byte-fidelity-tests.js';
import { checkpointTests } from './store-suite/checkpoint-tests.js';
import { completeTests } from './store-suite/complete-tests.js';
import { concurrencyTests } from './store-suite/concurrency-tests.js';
import { recordLifetimeTests } from './store-suite/record-lifetime-tests.js';
import { releaseTests } from './store-suite/release-tests.js';
import { renewTests } from './store-suite/renew-tests.js';
import { resolveTests } from './store-suite/resolve-tests.js';
import { staleOwnerTests } from './store-suite/stale-owner-tests.js';
import { createSuiteContext, type StoreSuiteOptions } from './store-suite/suite-context.js';

/**
 * Registers the tests of the `IdempotencyStore` contract with your test runner. The store's own limits, its connection
 * and its error classes are not part of it.
 *
 * ```ts
 * storeSuite({
 *   name: 'my store',
 *   runner: { describe, test },
 *   capabilities: { shared: true, controllableClock: false },
 *   async create() {
 *     const prefix = randomUUID();
 *     const [store, peer] = [new MyStore({ prefix }), new MyStore({ prefix })];
 *     return { store, peer, close: () => peer.close() };
 *   },
 * });
 * ```
 */
export function storeSuite(options: StoreSuiteOptions): void {
  const suite = createSuiteContext(options);
  options.runner.describe(`the store contract: ${options.name}`, () => {
    acquireTests(suite);
    abandonedAttemptTests(suite);
    renewTests(suite);
    checkpointTests(suite);
    completeTests(suite);
    releaseTests(suite);
    resolveTests(suite);
    staleOwnerTests(suite);
    recordLifetimeTests(suite);
    byteFidelityTests(suite);
    argumentCheckTests(suite);
    adminTests(suite);
    concurrencyTests(suite);
  });
}
