// The contract of a store as tests, for any test runner: a store that passes may stand under the engine.
import { acquisition } from './store-suite/acquisition.js';
import { argumentChecks } from './store-suite/argument-checks.js';
import { bytes } from './store-suite/bytes.js';
import { checkpointing } from './store-suite/checkpointing.js';
import { completion } from './store-suite/completion.js';
import { concurrency } from './store-suite/concurrency.js';
import { contract, type StoreSuiteOptions } from './store-suite/contract.js';
import { doubt } from './store-suite/doubt.js';
import { lateness } from './store-suite/lateness.js';
import { life } from './store-suite/life.js';
import { people } from './store-suite/people.js';
import { release } from './store-suite/release.js';
import { renewal } from './store-suite/renewal.js';
import { resolution } from './store-suite/resolution.js';

/**
 * Registers the tests of the `IdempotencyStore` contract with your test runner. The store's own limits, its connection
 * and its error classes are not part of it.
 *
 * ```ts
 * storeSuite({
 *   name: 'my store',
 *   runner: { describe, test },
 *   capabilities: { shared: true, durable: true, clock: false },
 *   async create() {
 *     const prefix = randomUUID();
 *     const [store, peer] = [new MyStore({ prefix }), new MyStore({ prefix })];
 *     return { store, peer, close: () => peer.close() };
 *   },
 * });
 * ```
 */
export function storeSuite(options: StoreSuiteOptions): void {
  const suite = contract(options);
  options.runner.describe(`the store contract: ${options.name}`, () => {
    acquisition(suite);
    doubt(suite);
    renewal(suite);
    checkpointing(suite);
    completion(suite);
    release(suite);
    resolution(suite);
    lateness(suite);
    life(suite);
    bytes(suite);
    argumentChecks(suite);
    people(suite);
    concurrency(suite);
  });
}
