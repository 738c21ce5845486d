// Every store call and every other foreign await of an execution, and where its failure is tested.
//
// One entry per source file, then one per function: a file that is renamed, and a function that is renamed, change one key here.
import type { KillPointName } from './kill-points.js';
import type { SituationName } from './store-call-situations.js';

export interface ListedFile {
  /** Calls of a store: by the function that makes them, then by the verb. */
  readonly storeCalls?: Readonly<Record<string, Readonly<Record<string, ListedStoreCall>>>>;
  /** Other awaits, by function. Each await has the file that tests it, in the order of the source. */
  readonly otherAwaits?: Readonly<Record<string, readonly string[]>>;
}

/** The situations in which the call fails, and those in which the process dies; or the file that tests the call otherwise. */
export type ListedStoreCall =
  | string
  | { readonly fails: readonly SituationName[]; readonly dies: readonly KillPointName[] };

const background = 'test/engine/retry-queue.test.ts';
const failing = 'test/faults/awaits-store-calls.test.ts';
const failure = 'test/engine/failed-operations.test.ts';
const freeing = 'test/adapters/05-failure-frees-key.test.ts';
const functions = 'test/faults/awaits-option-functions.test.ts';
const lostSteps = 'test/engine/steps-after-lost-lease.test.ts';
const people = 'test/faults/awaits-admin-calls.test.ts';
const sharing = 'test/engine/coalesced-waiting.test.ts';
const stillWorking = 'test/adapters/05-handler-outlives-response.test.ts';

/** By the path of the source: below `packages/core/src`, and for the adapters below `packages`. */
export const listedFiles: Readonly<Record<string, ListedFile>> = {
  'engine/attempt.ts': {
    storeCalls: {
      recordStep: {
        checkpoint: {
          fails: [
            'records the result of a step',
            'records that a step begins which may run once',
            'records the result of a step that may run once',
            'takes back that a step begins',
            'takes back that a step began, since somebody found out',
          ],
          dies: [
            'records the result of a step',
            'records that a step begins which may run once',
            'records the result of a step that may run once',
            'takes back that a step begins',
            'takes back that a step began, since it found out',
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
            'asks for the right to run',
            'asks again for what is done',
            'asks, and would run without the store',
            'waits for the outcome of another',
          ],
          dies: [
            'asks for the right to run',
            'asks again for what is done',
            'waits for the outcome of another, and looks',
          ],
        },
      },
      '#abandon': {
        release: {
          fails: [
            'takes back a token that got no answer',
            'takes back a token that came too late, to ask with another',
          ],
          dies: ['takes back a token that got no answer', 'takes back a token that came too late, to ask with another'],
        },
      },
      inspect: {
        acquire: {
          fails: [
            'looks for the outcome of the one that has taken over',
            'fails after another has taken over, and looks for its outcome',
          ],
          dies: ['looks for the outcome of the one that has taken over'],
        },
      },
    },
  },
  // People and their programs make these calls, outside of any execution.
  'admin/drain-store.ts': { otherAwaits: { drainStore: [background] } },
  'admin/list-doubts.ts': { storeCalls: { listDoubts: { scan: people } } },
  'admin/resolve-doubt.ts': { storeCalls: { resolveDoubt: { read: people, resolve: people } } },
  'engine/end-attempt.ts': {
    storeCalls: {
      releaseLease: {
        release: {
          fails: [
            'frees the key after a failure',
            'keeps the key as unknown after a failure',
            'leaves the outcome unknown, since nobody found out',
          ],
          dies: ['gives the key back after a failure', 'leaves the outcome unknown, since it did not find out'],
        },
      },
    },
    otherAwaits: { releaseLeaseOnceStopped: [stillWorking] },
  },
  'functions/result-codec.ts': { otherAwaits: { createResultWork: [failure] } },
  'functions/make-idempotent.ts': { otherAwaits: { makeIdempotent: [functions, functions, functions, failure] } },
  'engine/outcome-recorder.ts': {
    storeCalls: {
      '#complete': {
        complete: {
          fails: [
            'records its answer',
            'records an answer of which bytes have left',
            'records its answer after its lease, and nobody has taken over',
            'records its answer in the background',
          ],
          dies: [
            'records its answer',
            'records an answer of which bytes have left',
            'records its answer in the background',
          ],
        },
      },
    },
    otherAwaits: { '#record': ['test/engine/refused-outcomes.test.ts'] },
  },
  'engine/recovery.ts': { otherAwaits: { convertRecovery: [functions] } },
  'engine/coalesced-wait.ts': { otherAwaits: { join: [sharing], pauseBeforePoll: [sharing] } },
  'engine/step-tries.ts': { otherAwaits: { runOnce: ['test/engine/steps.test.ts'] } },
  'engine/store-client.ts': {
    storeCalls: {
      // Nobody waits for this call, and its failure has no consequence.
      subscribe: { onAttemptEnded: 'test/engine/waiting-across-processes.test.ts' },
      readStoreTime: { read: { fails: ['learns the time of the store'], dies: ['learns the time of the store'] } },
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
  'http/option-callbacks.ts': { otherAwaits: { callWithTimeout: ['test/adapters/18-option-functions.test.ts'] } },
  'node/capture/capture.ts': { otherAwaits: { '#trackSending': ['test/node/connection.test.ts'] } },
  'node/node-exchange.ts': { otherAwaits: { runHandler: [freeing] } },
  'koa/src/index.ts': { otherAwaits: { idempotency: [freeing, freeing] } },
};
