// The end of an attempt: record first, then tell. What cannot be recorded now is recorded in the background.
import { StoreError } from '../errors.js';
import { publish } from '../events.js';
import type { CompleteAnswer, Release, Standing } from '../protocol/messages.js';
import type { Attempt } from './attempt.js';
import { OutcomeRecorder } from './outcome-recorder.js';
import type { Settlement } from './plan.js';
import { monotonicMs } from './timing.js';

/**
 * `recorded`: the outcome stands. `unrecorded`: it does not, and while the lease holds nobody else's does. `overtaken`:
 * the lease is over, and what stands counts instead; null where it has not been asked for yet.
 */
export type Finish =
  | { readonly kind: 'recorded' | 'unrecorded' }
  | { readonly kind: 'overtaken'; readonly standing: Standing | null };

/** Fails with a `StoreError` where nothing can be told: the store is silent, and the lease is over. */
export function finish(attempt: Attempt, settlement: Settlement): Promise<Finish> {
  return settlement.as === 'done' ? complete(attempt, settlement) : release(attempt, settlement);
}

async function release(attempt: Attempt, how: Release): Promise<Finish> {
  const inTime = await giveFree(attempt, how);
  return inTime ? { kind: 'unrecorded' } : { kind: 'overtaken', standing: null };
}

/**
 * Frees the key, or marks it as unknown. False, and nothing done, where the lease is over: such an attempt counts as
 * abandoned. Never fails; what the store does not hear now it hears in the background.
 */
export async function giveFree(attempt: Attempt, how: Release): Promise<boolean> {
  const { link, plan, lease } = attempt;
  const inTime = attempt.holds();
  attempt.stop();
  if (!inTime) return false;
  if (how.as === 'retryable') attempt.abortForRetry();
  const say = () => link.store.release(lease, how);
  try {
    await link.askPersistently('release', plan.name, say, monotonicMs() + link.store.timeoutMs);
  } catch {
    void link.releases.add({
      bytes: 0,
      giveUp: () => {},
      attempt: async () => {
        await link.ask('release', plan.name, say);
        return true;
      },
    });
  }
  return true;
}

/**
 * The same for an operation that has given its result while it still works. Its signal aborts at once; its lease is kept and
 * renewed, and the key is released when `stopped` resolves, so that no retry runs beside it. Where it never stops, its lease ends
 * with `maxExecutionMs`. `drain` waits for it.
 */
export function giveFreeOnceStopped(attempt: Attempt, stopped: Promise<void>, how: () => Release): void {
  attempt.abortForRetry();
  const release = async () => {
    await Promise.race([stopped, attempt.whenOver()]);
    await giveFree(attempt, how());
    return true;
  };
  void attempt.link.working.add({ bytes: 0, attempt: release, giveUp: () => void release() });
}

async function complete(attempt: Attempt, settlement: Settlement & { as: 'done' }): Promise<Finish> {
  const recorder = new OutcomeRecorder(attempt, settlement);
  let answer: CompleteAnswer;
  try {
    answer = await recorder.record();
  } catch (error) {
    recordLater(attempt, recorder);
    return unheard(attempt, error);
  } finally {
    attempt.stop();
  }
  announce(attempt, answer);
  switch (answer.kind) {
    case 'ok':
    case 'restored':
      return { kind: 'recorded' };
    case 'lost':
      return { kind: 'overtaken', standing: answer.standing };
    case 'gone':
      // Not repeated: what is gone for this request stays gone.
      return unheard(attempt, new StoreError('unavailable', 'The store has lost the record, and the lease is over.'));
  }
}

/** While the lease holds nobody can contradict the result: its caller may have it, marked. */
function unheard(attempt: Attempt, error: unknown): Finish {
  if (!attempt.holds()) throw error;
  publish('answered_unrecorded', () => attempt.subject());
  return { kind: 'unrecorded' };
}

function announce(attempt: Attempt, answer: CompleteAnswer): void {
  const { kind } = answer;
  if (kind === 'lost') publish('stale_commit', () => ({ ...attempt.subject(), standing: answer.standing.kind }));
  if (kind !== 'restored' && kind !== 'gone') return;
  publish('record_lost', () => ({ ...attempt.recordSubject(), verb: 'complete', restored: kind === 'restored' }));
}

function recordLater(attempt: Attempt, recorder: OutcomeRecorder): void {
  const { outcomes } = attempt.link;
  const late = (kind: string) => publish('recorded_late', () => ({ ...attempt.subject(), kind }));
  if (!outcomes.hasRoomFor(recorder.outcomeBytes)) recorder.omitOutcome('too many results wait for the store');
  void outcomes.add({
    bytes: recorder.outcomeBytes,
    giveUp: (why) => late(`given up: ${why}`),
    attempt: async () => {
      const answer = await recorder.tryOnce();
      announce(attempt, answer);
      late(answer.kind);
      return true;
    },
  });
}
