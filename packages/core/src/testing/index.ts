// @onceguard/core/testing: what others need to prove a store of their own.
export { type ManualClock, manualClock } from './manual-clock.js';
export type { StoreSuiteOptions, StoreWorld, SuiteCapabilities, SuiteRunner } from './store-suite/contract.js';
export { storeSuite } from './store-suite.js';
