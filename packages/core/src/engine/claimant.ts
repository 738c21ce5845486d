// One caller at the door: it asks for the right to run with one token, and sees to it that no token it gave up is left
// behind as work that seems to have begun.
import { StoreError } from '../errors.js';
import type { AcquireAnswer, Acquired, AcquireRequest, Lease, Standing } from '../protocol/messages.js';
import type { StepEntry } from '../protocol/record.js';
import { stepsIn } from './checksum.js';
import { ownerToken } from './owner-token.js';
import { type Plan, recordTerms, scopeDigest } from './plan.js';
import type { StoreLink } from './store-link.js';
import { monotonicMs } from './timing.js';

/** An acquisition, and when this process began to ask for it: its lease counts from there on this side. */
export interface Granted {
  readonly kind: 'granted';
  readonly lease: Lease;
  readonly sentAt: number;
  /** What earlier attempts recorded. */
  readonly steps: ReadonlyMap<string, StepEntry>;
}

/** What a caller is told that may not run. */
export type Told = Exclude<Standing, { kind: 'retryable' }>;

type Superseded = Extract<AcquireAnswer, { kind: 'superseded' }>;

export class Claimant {
  #token = ownerToken();
  /** The last moment of the store at which a send of this token may take effect. */
  #notAfter = 0;

  constructor(
    private readonly link: StoreLink,
    private readonly plan: Plan,
  ) {}

  /**
   * Asks for the right to run, within the store's deadline. Fails with a `StoreError` when it is not told, or not in
   * time to begin; nothing runs then. An answer that came too late for its own limit corrects the clock, and is asked
   * for once more with a new token.
   */
  async look(): Promise<Granted | Told> {
    const { leaseMs } = this.plan.terms;
    const endsAt = monotonicMs() + this.link.store.timeoutMs;
    for (let round = 0; round === 0 || (round === 1 && monotonicMs() < endsAt); round += 1) {
      const seen = await this.#ask(endsAt);
      if (seen.kind === 'granted' && monotonicMs() >= seen.sentAt + leaseMs) {
        void this.#giveUp();
        break;
      }
      if (seen.kind !== 'superseded') return seen;
    }
    throw new StoreError('unavailable', 'The store answered too late to begin, or its clock jumped; nothing was run.');
  }

  /** What stands there, without ever acquiring: such a request is out of time from the start. */
  async peek(): Promise<Told | Superseded> {
    const { link, plan } = this;
    const request = this.#request(0);
    const endsAt = monotonicMs() + link.store.timeoutMs;
    const answer = await link.askPersistently(
      'acquire',
      plan.name,
      () => link.store.acquire(plan.name, request),
      endsAt,
    );
    if (answer.kind !== 'acquired') return answer;
    throw new StoreError('bug', 'The store granted a lease to a request that was out of time.');
  }

  /** One question, sent until it is answered. */
  async #ask(endsAt: number): Promise<Granted | Told | Superseded> {
    const { link, plan } = this;
    const now = link.clock.estimate() ?? (await link.now(plan.name, endsAt));
    this.#notAfter = now + 2 * link.store.timeoutMs;
    const request = this.#request(this.#notAfter);
    let unanswered = false;
    let sentAt = 0;
    const send = () => {
      sentAt = monotonicMs();
      return link.store.acquire(plan.name, request);
    };
    try {
      const answer = await link.askPersistently('acquire', plan.name, send, endsAt, (error) => {
        if (error.class === 'unknown') unanswered = true;
      });
      if ('fence' in answer) link.fences.saw(plan.name, answer.fence);
      if (answer.kind === 'acquired') return this.#granted(answer, sentAt);
      // Waited for: the next token must not be told of a lease that an unanswered send of this one got.
      if (answer.kind === 'superseded') await this.#giveUp();
      else if (unanswered) void this.#giveUp();
      return answer;
    } catch (error) {
      if (unanswered) void this.#giveUp();
      throw error;
    }
  }

  #request(notAfter: number): AcquireRequest {
    const { fingerprint, terms, name } = this.plan;
    const { leaseMs, onAbandoned, onInProgress } = terms;
    const fenceSeen = this.link.fences.of(name);
    const awaited = onInProgress !== 'reject';
    const token = this.#token;
    const said = {
      token,
      fingerprint,
      leaseMs,
      onAbandoned,
      notAfter,
      fenceSeen,
      awaited,
      scope: scopeDigest(this.plan),
    };
    return { ...said, ...recordTerms(terms) };
  }

  /** A record whose steps are damaged is given back: nothing may run that could do one of them again. */
  #granted(answer: Acquired, sentAt: number): Granted {
    const { fingerprint, name, terms } = this.plan;
    const steps = this.#checkedSteps(answer.steps);
    const lease = {
      key: name,
      token: this.#token,
      fence: answer.fence,
      fingerprint,
      attempt: answer.attempt,
      takeover: answer.takeover,
      recovering: answer.recovering,
      guarded: answer.guarded,
      bound: answer.bound,
      leaseEndAt: answer.leaseEndAt,
      ...recordTerms(terms),
    };
    return { kind: 'granted', lease, sentAt, steps };
  }

  #checkedSteps(recorded: Acquired['steps']): Granted['steps'] {
    const { name } = this.plan;
    try {
      return this.link.check('acquire', name, () => stepsIn(name, recorded));
    } catch (error) {
      void this.#giveUp();
      throw error;
    }
  }

  /** The token is never used again, and is taken back until no send of it can take effect any more. */
  async #giveUp(): Promise<void> {
    const { link, plan } = this;
    const notAfter = this.#notAfter;
    const holder = { key: plan.name, token: this.#token, fence: null, ...recordTerms(plan.terms) };
    const say = () => link.store.release(holder, { as: 'not_started' });
    this.#token = ownerToken();
    await link.releases.add({
      bytes: 0,
      giveUp: () => {},
      attempt: async () => (await link.ask('release', plan.name, say)).now > notAfter,
    });
  }
}
