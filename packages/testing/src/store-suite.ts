// storeSuite: the tests of the `IdempotencyStore` contract, for any test runner.
import { abandonedAttemptTests } from './store-suite/abandoned-attempt-tests.js';
import { acquireTests } from './store-suite/acquire-tests.js';
import { adminTests } from './store-suite/admin-tests.js';
import { argumentCheckTests } from './store-suite/argument-check-tests.js';
import { byteFidelityTests } from './store-suite/byte-fidelity-tests.js';
import { checkpointTests } from './store-suite/checkpoint-tests.js';
import { completeTests } from './store-suite/complete-tests.js';
import { concurrencyTests } from './store-suite/concurrency-tests.js';
import { descriptionTests } from './store-suite/description-tests.js';
import { doubtListTests } from './store-suite/doubt-list-tests.js';
import { recordLifetimeTests } from './store-suite/record-lifetime-tests.js';
import { releaseTests } from './store-suite/release-tests.js';
import { renewTests } from './store-suite/renew-tests.js';
import { resolveTests } from './store-suite/resolve-tests.js';
import { staleOwnerTests } from './store-suite/stale-owner-tests.js';
import { createSuiteContext, type StoreSuiteOptions } from './store-suite/suite-context.js';

/**
 * Registers nearly 190 tests of the `IdempotencyStore` contract with your test runner. A store that passes them works with every front
 * end of onceguard. The suite does not test the store's own limits, its connection, or how it reports failures of its backend.
 *
 * @example
 * ```ts
 * import { describe, test } from 'node:test';
 * import { MemoryStore } from '@onceguard/core';
 * import { manualClock, storeSuite } from '@onceguard/testing';
 *
 * storeSuite({
 *   name: 'MemoryStore',
 *   runner: { describe, test },
 *   capabilities: { shared: false, controllableClock: true },
 *   async create() {
 *     const clock = manualClock();
 *     return { store: new MemoryStore({ clock: clock.now }), advance: clock.advance, close: async () => {} };
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
    descriptionTests(suite);
    staleOwnerTests(suite);
    recordLifetimeTests(suite);
    byteFidelityTests(suite);
    argumentCheckTests(suite);
    adminTests(suite);
    doubtListTests(suite);
    concurrencyTests(suite);
  });
}
