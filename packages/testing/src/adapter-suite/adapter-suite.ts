// adapterSuite: the tests of what an adapter promises, for vitest.
import { describe } from 'vitest';
import { type AdapterTests, createAdapterTests } from './adapter-tests.js';
import type { Framework } from './framework.js';
import { memoryStores, type SuiteStore } from './stores.js';
import { afterHeadersAreSentTests } from './tests/after-headers-are-sent.js';
import { applicationKeysTests } from './tests/application-keys.js';
import { bodyLayersTests } from './tests/body-layers.js';
import { bodyNotParsedTests } from './tests/body-not-parsed.js';
import { classifyOptionTests } from './tests/classify-option.js';
import { clientDisconnectsTests } from './tests/client-disconnects.js';
import { concurrentDuplicatesTests } from './tests/concurrent-duplicates.js';
import { correctedRequestsTests } from './tests/corrected-requests.js';
import { damagedResponsesTests } from './tests/damaged-responses.js';
import { decisionsTests } from './tests/decisions.js';
import { declaredLacksTests } from './tests/declared-lacks.js';
import { disconnectDuringResponseTests } from './tests/disconnect-during-response.js';
import { disconnectListenersTests } from './tests/disconnect-listeners.js';
import { effectsTests } from './tests/effects.js';
import { failureFreesKeyTests } from './tests/failure-frees-key.js';
import { fingerprintVersionsTests } from './tests/fingerprint-versions.js';
import { handlerOutlivesResponseTests } from './tests/handler-outlives-response.js';
import { jsonOfAnyTypeTests } from './tests/json-of-any-type.js';
import { keyReusedTests } from './tests/key-reused.js';
import { keysTests } from './tests/keys.js';
import { largeResponsesTests } from './tests/large-responses.js';
import { leaseKeptTests } from './tests/lease-kept.js';
import { leaseLostTests } from './tests/lease-lost.js';
import { memoryAfterResponseTests } from './tests/memory-after-response.js';
import { misuseTests } from './tests/misuse.js';
import { nothingElseIsStoredTests } from './tests/nothing-else-is-stored.js';
import { optionFunctionsTests } from './tests/option-functions.js';
import { outerLayerRespondsFirstTests } from './tests/outer-layer-responds-first.js';
import { paymentPolicyTests } from './tests/payment-policy.js';
import { recordedStatusesTests } from './tests/recorded-statuses.js';
import { recoveryTests } from './tests/recovery.js';
import { refusedByNodeTests } from './tests/refused-by-node.js';
import { replayFromLocalCacheTests } from './tests/replay-from-local-cache.js';
import { replayHeadersTests } from './tests/replay-headers.js';
import { replayNodeFormsTests } from './tests/replay-node-forms.js';
import { retryLaterResponsesTests } from './tests/retry-later-responses.js';
import { routersTests } from './tests/routers.js';
import { separateRecordsTests } from './tests/separate-records.js';
import { stepsTests } from './tests/steps.js';
import { storeAwayTests } from './tests/store-away.js';
import { streamedResponsesTests } from './tests/streamed-responses.js';
import { streamsTests } from './tests/streams.js';
import { timeoutsTests } from './tests/timeouts.js';
import { tombstonesTests } from './tests/tombstones.js';
import { unroutedTests } from './tests/unrouted.js';
import { unseenTimeoutsTests } from './tests/unseen-timeouts.js';
import { waitersDisconnectTests } from './tests/waiters-disconnect.js';

type RegisterGroups = (suite: AdapterTests) => void;

/** Of what the framework can change: what it shows of requests and responses, and how these end. */
const ofTheFramework: readonly RegisterGroups[] = [
  afterHeadersAreSentTests,
  applicationKeysTests,
  bodyLayersTests,
  bodyNotParsedTests,
  clientDisconnectsTests,
  declaredLacksTests,
  disconnectDuringResponseTests,
  disconnectListenersTests,
  effectsTests,
  failureFreesKeyTests,
  handlerOutlivesResponseTests,
  jsonOfAnyTypeTests,
  keyReusedTests,
  keysTests,
  largeResponsesTests,
  leaseLostTests,
  misuseTests,
  memoryAfterResponseTests,
  outerLayerRespondsFirstTests,
  refusedByNodeTests,
  replayHeadersTests,
  replayNodeFormsTests,
  routersTests,
  streamedResponsesTests,
  streamsTests,
  timeoutsTests,
  unroutedTests,
  unseenTimeoutsTests,
  waitersDisconnectTests,
];

/** Of what the code decides that all adapters share, whatever the framework's version. */
const ofSharedCode: readonly RegisterGroups[] = [
  classifyOptionTests,
  concurrentDuplicatesTests,
  correctedRequestsTests,
  damagedResponsesTests,
  decisionsTests,
  fingerprintVersionsTests,
  leaseKeptTests,
  nothingElseIsStoredTests,
  optionFunctionsTests,
  paymentPolicyTests,
  recordedStatusesTests,
  recoveryTests,
  replayFromLocalCacheTests,
  retryLaterResponsesTests,
  separateRecordsTests,
  stepsTests,
  storeAwayTests,
  tombstonesTests,
];

export interface AdapterSuiteOptions {
  readonly framework: Framework;
  /** Default: a `MemoryStore`. Tests whose outcome cannot depend on the store run on the first one alone. */
  readonly stores?: readonly SuiteStore[];
  /** True runs every test on each store. Default false. */
  readonly everyTestOnEachStore?: boolean;
  /**
   * True for another version or transport of a framework on which the whole suite runs: leaves out the tests of what the code decides that
   * all adapters share. Default false.
   */
  readonly anotherVersion?: boolean;
}

/**
 * Registers about 1,000 tests of what an adapter promises with vitest: real requests to a server of the framework, on the loopback. Tests
 * that need what the registration says that the framework lacks are left out. Call it in a test file of its own.
 *
 * @example
 * ```ts
 * import { adapterSuite, type Framework } from '@onceguard/testing/adapters';
 *
 * const framework: Framework = {
 *   name: 'My framework',
 *   transport: 'HTTP/1',
 *   lacks: { trailers: 'My framework sends no trailers.' },
 *   listener: (spec) => makeApplication(spec),
 *   header: (request, name) => (request as MyRequest).header(name),
 *   parsedBody: (request) => (request as MyRequest).body,
 * };
 * adapterSuite({ framework });
 * ```
 */
export function adapterSuite(options: AdapterSuiteOptions): void {
  const { framework, stores = [memoryStores], everyTestOnEachStore = false, anotherVersion = false } = options;
  const suite = createAdapterTests(framework, stores, { everyTestOnEachStore, anotherVersion });
  const groups = anotherVersion ? ofTheFramework : [...ofTheFramework, ...ofSharedCode];
  describe(`the adapter for ${framework.name}`, () => {
    for (const register of groups) register(suite);
  });
}
