// Every store call and every other external await of an execution, and where its failure is tested. One entry per
// source file, then one per function: a renamed file or function changes one key here.
import type { KillPointName } from './kill-points.js';
import type { SituationName } from './store-call-situations.js';

export interface ListedFile {
  /** Calls of a store: by the function that makes them, then by the verb. */
  readonly storeCalls?: Readonly<Record<string, Readonly<Record<string, ListedStoreCall>>>>;
  /** Other awaits, by function. For each await, in the order of the source, the file that tests it. */
  readonly otherAwaits?: Readonly<Record<string, readonly string[]>>;
}

/**
 * The situations in which the call fails, and the points at which the process dies; or the file that tests the call
 * otherwise.
 */
export type ListedStoreCall =
  | string
  | { readonly fails: readonly SituationName[]; readonly dies: readonly KillPointName[] };

const background = 'test/engine/retry-queue.test.ts';
const descriptions = 'test/engine/descriptions.test.ts';
const failing = 'test/faults/awaits-store-calls.test.ts';
const failure = 'test/engine/failed-operations.test.ts';
const freeing = 'packages/testing/src/adapter-suite/tests/failure-frees-key.ts';
const functions = 'test/faults/awaits-option-functions.test.ts';
const lostSteps = 'test/engine/steps-after-lost-lease.test.ts';
const people = 'test/faults/awaits-admin-calls.test.ts';
const removal = 'test/engine/remove-record.test.ts';
const sharing = 'test/engine/coalesced-waiting.test.ts';
const requestBodies = 'test/web/request-bodies.test.ts';
const optionFunctions = 'packages/testing/src/adapter-suite/tests/option-functions.ts';
const shapes = 'test/web/handler-shapes.test.ts';
const watching = 'test/engine/watch-doubts.test.ts';
const transactionFaults = 'test/transactions/faults.test.ts';
const transactionSteps = 'test/transactions/steps.test.ts';
const transactions = 'test/transactions/functions.test.ts';
const webStreams = 'test/web/streams.test.ts';
const stillWorking = 'packages/testing/src/adapter-suite/tests/handler-outlives-response.ts';

/** By the path of the source: below `packages/core/src`, and for the adapters below `packages`. */
export const listedFiles: Readonly<Record<string, ListedFile>> = {
  'engine/attempt.ts': {
    storeCalls: {
      recordStep: {
        checkpoint: {
          fails: [
            'records the result of a step',
            'records the intent of an atMostOnce step',
            'records the result of an atMostOnce step',
            'withdraws the intent of a step',
            'withdraws the intent of a recovered step',
          ],
          dies: [
            'records the result of a step',
            'records the intent of an atMostOnce step',
            'records the result of an atMostOnce step',
            'withdraws the intent of a step',
            'withdraws the intent of a recovered step',
          ],
        },
      },
    },
    otherAwaits: { '#resendCheckpoints': [lostSteps] },
  },
  'engine/lease-renewer.ts': {
    storeCalls: { renew: { renew: { fails: ['renews its lease'], dies: ['renews its lease'] } } },
    otherAwaits: { whenOver: [stillWorking], renew: [lostSteps] },
  },
  'engine/retry-queue.ts': {
    otherAwaits: { add: [background], drain: [background], '#whenIdle': [background], retryUntilDone: [background] },
  },
  'engine/lease-acquirer.ts': {
    storeCalls: {
      '#acquireOnce': {
        acquire: {
          fails: [
            'acquires the lease',
            'acquires again what is completed',
            'acquires, and may bypass the store',
            'polls for the outcome of another attempt',
          ],
          dies: ['acquires the lease', 'acquires again what is completed', 'polls for the outcome of another attempt'],
        },
      },
      '#abandon': {
        release: {
          fails: ['releases a token whose acquire got no reply', 'releases a token whose acquire came too late'],
          dies: ['releases a token whose acquire got no reply', 'releases a token whose acquire came too late'],
        },
      },
      inspect: {
        acquire: {
          fails: [
            'polls for the outcome of the new owner',
            'fails after a takeover, and reads the outcome of the new owner',
          ],
          dies: ['polls for the outcome of the new owner'],
        },
      },
    },
  },
  // Administrators and their programs make these calls, outside of any execution.
  'admin/drain-store.ts': { otherAwaits: { drainStore: [background] } },
  'admin/lookup.ts': { storeCalls: { lookup: { read: 'test/engine/lookup.test.ts' } } },
  'admin/list-doubts.ts': { storeCalls: { listDoubts: { scan: people } } },
  'admin/remove-record.ts': { storeCalls: { removeRecord: { read: removal, remove: removal } } },
  'admin/resolve-doubt.ts': { storeCalls: { resolveDoubt: { read: people, resolve: people } } },
  'engine/doubt-notices.ts': { storeCalls: { noticeRefusal: { read: watching } } },
  'engine/end-attempt.ts': {
    storeCalls: {
      releaseLease: {
        release: {
          fails: [
            'frees the key after a failure',
            'marks the outcome unknown after a failure',
            'leaves the outcome unknown after a recovery',
          ],
          dies: ['frees the key after a failure', 'leaves the outcome unknown after a recovery'],
        },
      },
    },
    otherAwaits: { releaseLeaseOnceStopped: [stillWorking] },
  },
  'functions/result-codec.ts': { otherAwaits: { createResultWork: [failure] } },
  'functions/make-idempotent.ts': {
    otherAwaits: { makeIdempotent: [functions, functions, functions, descriptions, failure] },
  },
  'engine/outcome-recorder.ts': {
    storeCalls: {
      '#complete': {
        complete: {
          fails: [
            'records its outcome',
            'records a response that is partly sent',
            'records its outcome after its lease, without a takeover',
            'records its outcome in the background',
          ],
          dies: [
            'records its outcome',
            'records a response that is partly sent',
            'records its outcome in the background',
          ],
        },
      },
    },
    otherAwaits: { '#record': ['test/engine/refused-outcomes.test.ts'] },
  },
  'engine/recovery.ts': { otherAwaits: { convertRecovery: [functions] } },
  'engine/coalesced-wait.ts': { otherAwaits: { join: [sharing], pauseBeforePoll: [sharing] } },
  'engine/transaction-attempt.ts': {
    otherAwaits: {
      run: [transactionFaults],
      '#runOperation': [transactions],
      '#call': [transactions],
      '#record': [transactionFaults],
    },
  },
  'engine/step-transaction.ts': {
    storeCalls: { '#findCommitStatus': { renew: transactionSteps, read: transactionSteps } },
    otherAwaits: { run: [transactionSteps], '#runWithin': [transactionSteps, transactionSteps] },
  },
  'engine/steps.ts': { otherAwaits: { '#runInTransaction': [transactionSteps] } },
  'engine/step-tries.ts': { otherAwaits: { runOnce: ['test/engine/steps.test.ts'] } },
  'engine/store-client.ts': {
    storeCalls: {
      // Nobody waits for this call, and its failure has no consequence.
      subscribe: { onAttemptEnded: 'test/engine/waiting-across-processes.test.ts' },
      readStoreTime: { read: { fails: ['reads the store clock'], dies: ['reads the store clock'] } },
    },
    otherAwaits: { '#drain': [background] },
  },
  'engine/time.ts': {
    otherAwaits: {
      pause: ['test/engine/waiting.test.ts'],
      pauseInBackground: [background],
      pauseUnlessAborted: ['test/steps/retries.test.ts'],
    },
  },
  'engine/await-outcome.ts': { otherAwaits: { pollOnce: [failing] } },
  'http/lifecycle.ts': {
    otherAwaits: { '#handle': [optionFunctions, optionFunctions, optionFunctions, optionFunctions] },
  },
  'http/option-callbacks.ts': { otherAwaits: { settleWithin: [optionFunctions] } },
  'node/capture/http1-capture.ts': { otherAwaits: { trackSending: ['test/node/connection.test.ts'] } },
  'node/node-exchange.ts': { otherAwaits: { runHandler: [freeing] } },
  'koa/src/index.ts': { otherAwaits: { idempotency: [freeing, freeing] } },
  'web/captured-web-response.ts': { otherAwaits: { captureWebResponse: [webStreams, webStreams] } },
  'web/read-request-body.ts': {
    otherAwaits: { readAtMost: [requestBodies, requestBodies], readRequestBody: [shapes] },
  },
  'web/streaming-body.ts': { otherAwaits: { '#pump': [webStreams], '#untilWanted': [webStreams] } },
  'web/web-exchange.ts': { otherAwaits: { '#callHandler': [shapes], '#stream': [webStreams] } },
  'web/web-lifecycle.ts': { otherAwaits: { respond: [shapes] } },
};
