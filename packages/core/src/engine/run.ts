// The life of one execution, read top to bottom: ask, perhaps wait, run, record, tell.
import { LeaseLostError, OutcomeUnknownError, StoreError } from '../errors.js';
import { publish } from '../events.js';
import type { Standing } from '../protocol/messages.js';
import { Attempt } from './attempt.js';
import { outcomeIn } from './checksum.js';
import { Claimant, type Granted, type Told } from './claimant.js';
import { deriveKey, type OperationContext } from './context.js';
import { finish, giveFree, giveFreeOnceStopped } from './finish.js';
import type { ConditionalWork, Execution, NotStarted, Plan, Settlement, Work } from './plan.js';
import { notDone, type Recovery, recoverContext } from './recovery.js';
import { Steps } from './steps.js';
import { StoreLink } from './store-link.js';
import { awaitOutcome } from './wait.js';

export async function run<T>(plan: Plan, work: ConditionalWork<T>): Promise<Execution<T> | NotStarted>;
export async function run<T>(plan: Plan, work: Work<T>): Promise<Execution<T>>;
export async function run<T>(plan: Plan, work: Work<T>): Promise<Execution<T> | NotStarted> {
  const link = StoreLink.of(plan.store);
  const claimant = new Claimant(link, plan);
  let seen: Granted | Told;
  try {
    seen = await claimant.look();
    if (seen.kind === 'in_progress') {
      seen = await awaitOutcome(link, plan, 'claimant', seen, () => claimant.look(), work.onCallerGone);
    }
  } catch (error) {
    // A record that is there and cannot be read may be of work that is done.
    const isAway = error instanceof StoreError && !error.unreadable;
    if (isAway && plan.terms.onStoreUnavailable === 'bypass') return await bypass(link, plan, work, error);
    throw error;
  }
  if (seen.kind !== 'granted') return tell(link, plan, work, seen);
  return await runUnder(new Attempt(link, plan, seen), work);
}

async function runUnder<T>(attempt: Attempt, work: Work<T>): Promise<Execution<T> | NotStarted> {
  const { link, plan, lease } = attempt;
  if (!mayStart(work)) return await giveBack(attempt);
  const { takeover, fence: fencingToken } = lease;
  publish('acquired', () => ({ ...attempt.subject(), fencingToken, takeover }));
  const found = isInDoubt(attempt) ? await recover(attempt, work) : nothingFound;
  // What was found out under a lease that is over may be out of date.
  if (!attempt.holds()) return tell(link, plan, work, await standingNow(link, plan, work, null));
  if (found.found === 'done') return await end(attempt, work, found.result);
  if (found.found === 'still_unknown') {
    const { retryAfterMs } = found;
    await giveFree(attempt, { ...unknown, retryAfterMs });
    return { kind: 'unknown', retryAfterMs, recordName: plan.name };
  }
  if (!mayStart(work)) return await giveBack(attempt);
  try {
    return await end(attempt, work, await operate(attempt, work));
  } catch (thrown) {
    // The operation met a step that nobody may repeat.
    if (thrown instanceof OutcomeUnknownError && attempt.stepsInDoubt.length > 0) {
      return { kind: 'unknown', retryAfterMs: thrown.retryAfterMs, recordName: plan.name };
    }
    throw thrown;
  }
}

const nothingFound = notDone();
const notStarted: NotStarted = { kind: 'not_started' };

function mayStart<T>({ canStart }: Work<T>): boolean {
  return canStart === undefined || canStart();
}

/** Nothing ran, so the record is what it was before this attempt. */
async function giveBack(attempt: Attempt): Promise<NotStarted> {
  await giveFree(attempt, { as: 'not_started' });
  return notStarted;
}

/** Somebody has to find out first what attempts before did: all of the work, or a step of it that nobody may repeat. */
function isInDoubt({ lease, stepsInDoubt }: Attempt): boolean {
  return lease.recovering || stepsInDoubt.length > 0;
}

async function recover<T>(attempt: Attempt, work: Work<T>): Promise<Recovery<T>> {
  if (work.recover === undefined) return notDone();
  try {
    const found = await work.recover(recoverContext(attempt));
    if (found.found === 'not_done') await attempt.steps.settle(found.happened);
    return found;
  } catch (thrown) {
    const inTime = await giveFree(attempt, unknown);
    // Its lease was lost while it found out: what stands there is the answer.
    if (!inTime && thrown instanceof LeaseLostError) return notDone();
    throw thrown;
  }
}

async function end<T>(attempt: Attempt, work: Work<T>, value: T): Promise<Execution<T>> {
  const { link, plan, lease } = attempt;
  const settlement = work.settle(value);
  const stopped = work.stopped?.(value) ?? null;
  if (settlement.as === 'retryable' && stopped !== null && attempt.holds()) {
    giveFreeOnceStopped(attempt, stopped, () => undoubted(attempt, settlement));
    return { kind: 'executed', value, recorded: false, attempt: lease.attempt };
  }
  attempt.endSteps();
  const ended = await finish(attempt, undoubted(attempt, settlement));
  if (ended.kind === 'overtaken') return tell(link, plan, work, await standingNow(link, plan, work, ended.standing));
  return { kind: 'executed', value, recorded: ended.kind === 'recorded', attempt: lease.attempt };
}

/**
 * A throw frees the key, or makes it unknown unless the operation said that nothing happened; one that follows the loss of the lease
 * counts as abandonment.
 */
async function operate<T>(attempt: Attempt, work: Work<T>): Promise<T> {
  try {
    return await work.run(attempt.context());
  } catch (thrown) {
    attempt.endSteps();
    await giveFree(attempt, undoubted(attempt, afterFailure(attempt)));
    throw thrown;
  }
}

function afterFailure({ nothingHappened, plan }: Attempt): Exclude<Settlement, { as: 'done' }> {
  if (nothingHappened) return unbound;
  return plan.terms.onFailure === 'unknown' ? unknown : { as: 'retryable' };
}

const unknown = { as: 'unknown', retryAfterMs: null, note: null } as const;
/** What changed nothing may come again with another payload. */
const unbound = { as: 'retryable', unbind: true } as const;

/** With a step in doubt no attempt leaves the key free for the next one: somebody has to find out first. */
function undoubted<End extends Settlement>(attempt: Attempt, settlement: End): End | typeof unknown {
  return settlement.as === 'retryable' && attempt.stepsInDoubt.length > 0 ? unknown : settlement;
}

/** An owner that was overtaken gets what stands there, after waiting like any duplicate; it never runs again itself. */
async function standingNow<T>(link: StoreLink, plan: Plan, work: Work<T>, standing: Standing | null): Promise<Told> {
  const onlooker = new Claimant(link, plan);
  const look = async () => withoutRunning(await onlooker.peek());
  const first = standing === null ? await look() : withoutRunning(standing);
  return await awaitOutcome(link, plan, 'onlooker', first, look, work.onCallerGone);
}

/** Where the next caller may run there is nothing to replay yet: it reads as in progress, to be retried at once. */
function withoutRunning(seen: Standing | { readonly kind: 'superseded' }): Told {
  const mayRun = seen.kind === 'retryable' || seen.kind === 'superseded';
  return mayRun ? { kind: 'in_progress', retryAfterMs: 0 } : seen;
}

function tell<T>(link: StoreLink, plan: Plan, work: Work<T>, seen: Told): Execution<T> {
  switch (seen.kind) {
    case 'completed': {
      const { completedAt } = seen;
      const outcome = link.check('acquire', plan.name, () => outcomeIn(plan.name, seen.outcome));
      const value = work.revive(outcome);
      publish('replayed', () => ({ ...link.subject(plan.name), completedAt }));
      return { kind: 'replayed', value, completedAt };
    }
    case 'expired':
      return { kind: 'expired', completedAt: seen.completedAt, note: seen.note };
    case 'in_progress':
      return { kind: 'in_progress', retryAfterMs: seen.retryAfterMs };
    case 'unknown':
      return { kind: 'unknown', retryAfterMs: seen.retryAfterMs, recordName: plan.name };
    case 'mismatch':
      return { kind: 'mismatch', version: seen.version };
  }
}

/** The options say that unprotected work is better than none: visible in an event, and in the execution itself. */
async function bypass<T>(
  link: StoreLink,
  plan: Plan,
  work: Work<T>,
  error: StoreError,
): Promise<Execution<T> | NotStarted> {
  const { key, name } = plan;
  if (!mayStart(work)) return notStarted;
  publish('bypassed', () => ({ ...link.subject(name), error }));
  const { signal } = new AbortController();
  const told = { attempt: 1, signal, deriveKey: (part: string) => deriveKey(name, part) };
  const steps = new Steps({ ...told, mustHold: () => {}, record: async () => {} }, new Map());
  const step: OperationContext['step'] = (part, fn, options) => steps.run(part, fn, options);
  const markNothingHappened = () => {}; // there is no key to free
  const value = await work.run({ ...told, key, takeover: false, fencingToken: 0, markNothingHappened, step });
  return { kind: 'executed', value, recorded: false, attempt: 1 };
}
