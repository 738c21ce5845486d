// The life of one execution, read top to bottom: ask, perhaps wait, run, record, tell.
import { StoreError } from '../errors.js';
import { publish } from '../events.js';
import type { Standing } from '../protocol/messages.js';
import { Attempt } from './attempt.js';
import { Claimant, type Granted, type Told } from './claimant.js';
import { deriveKey } from './context.js';
import { finish, giveFree } from './finish.js';
import type { Execution, Plan, Work } from './plan.js';
import { StoreLink } from './store-link.js';
import { awaitOutcome } from './wait.js';

export async function run<T>(plan: Plan, work: Work<T>): Promise<Execution<T>> {
  const link = StoreLink.of(plan.store);
  const claimant = new Claimant(link, plan);
  const look = async () => await claimant.look();
  let seen: Granted | Told;
  try {
    seen = await awaitOutcome(link, plan, await look(), look);
  } catch (error) {
    const bypasses = plan.terms.onStoreUnavailable === 'bypass' && error instanceof StoreError;
    if (bypasses) return await bypass(link, plan, work, error);
    throw error;
  }
  if (seen.kind !== 'granted') return tell(link, plan, work, seen);
  return await runUnder(new Attempt(link, plan, seen), work);
}

async function runUnder<T>(attempt: Attempt, work: Work<T>): Promise<Execution<T>> {
  const { link, plan } = attempt;
  const { takeover, fencingToken, attempt: number } = attempt.context();
  publish('acquired', () => ({ ...attempt.subject(), fencingToken, takeover }));
  const value = await operate(attempt, work);
  const end = await finish(attempt, work.settle(value));
  if (end.kind !== 'overtaken') return { kind: 'executed', value, recorded: end.kind === 'recorded', attempt: number };
  return tell(link, plan, work, await standingNow(link, plan, end.standing));
}

/** A throw frees the key, or makes it unknown; one that follows the loss of the lease counts as abandonment. */
async function operate<T>(attempt: Attempt, work: Work<T>): Promise<T> {
  try {
    return await work.run(attempt.context());
  } catch (thrown) {
    const unknown = attempt.plan.terms.onFailure === 'unknown';
    await giveFree(attempt, unknown ? { as: 'unknown', retryAfterMs: null, note: null } : { as: 'retryable' });
    throw thrown;
  }
}

/** An owner that was overtaken gets what stands there, after waiting like any duplicate; it never runs again itself. */
async function standingNow(link: StoreLink, plan: Plan, standing: Standing | null): Promise<Told> {
  const onlooker = new Claimant(link, plan);
  const look = async () => withoutRunning(await onlooker.peek());
  return await awaitOutcome(link, plan, standing === null ? await look() : withoutRunning(standing), look);
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
      const value = work.revive(seen.outcome);
      publish('replayed', () => ({ ...link.subject(plan.name), completedAt }));
      return { kind: 'replayed', value, completedAt };
    }
    case 'expired':
      return { kind: 'expired', completedAt: seen.completedAt, note: seen.note };
    case 'in_progress':
      return { kind: 'in_progress', retryAfterMs: seen.retryAfterMs };
    case 'unknown':
      return { kind: 'unknown', retryAfterMs: seen.retryAfterMs };
    case 'mismatch':
      return { kind: 'mismatch' };
  }
}

/** The options say that unprotected work is better than none: visible in an event, and in the execution itself. */
async function bypass<T>(link: StoreLink, plan: Plan, work: Work<T>, error: StoreError): Promise<Execution<T>> {
  const { key, name } = plan;
  publish('bypassed', () => ({ ...link.subject(name), error }));
  const { signal } = new AbortController();
  const unprotected = { key, attempt: 1, takeover: false, fencingToken: 0, signal };
  const value = await work.run({ ...unprotected, deriveKey: (part) => deriveKey(name, part) });
  return { kind: 'executed', value, recorded: false, attempt: 1 };
}
