// One caller at the door: it asks for the right to run with one token, and sees to it that no token it gave up is left
// behind as work that seems to have begun.
import { StoreError } from '../errors.js';
import type { Acquired, AcquireReply, AcquireRequest, Lease, Standing } from '../protocol/messages.js';
import type { StepEntry } from '../protocol/record.js';
import { verifySteps } from './checksum.js';
import { type ExecutionRequest, recordRetention, scopeDigest } from './execution.js';
import { createOwnerToken } from './owner-token.js';
import type { StoreClient } from './store-client.js';
import { monotonicMs } from './time.js';

/** An acquisition, and when this process began to ask for it: its lease counts from there on this side. */
export interface LeaseGranted {
  readonly kind: 'granted';
  readonly lease: Lease;
  readonly sentAt: number;
  /** What earlier attempts recorded. */
  readonly steps: ReadonlyMap<string, StepEntry>;
}

/** What a caller is told that may not run. */
export type NotAcquired = Exclude<Standing, { kind: 'retryable' }>;

type Superseded = Extract<AcquireReply, { kind: 'superseded' }>;

export class LeaseAcquirer {
  #token = createOwnerToken();
  /** The last moment of the store at which a send of this token may take effect. */
  #notAfter = 0;

  constructor(
    private readonly storeClient: StoreClient,
    private readonly request: ExecutionRequest,
  ) {}

  /**
   * Asks for the right to run, within the store's deadline. Fails with a `StoreError` when it is not told, or not in
   * time to begin; nothing runs then. An answer that came too late for its own limit corrects the clock, and is asked
   * for once more with a new token.
   */
  async acquire(): Promise<LeaseGranted | NotAcquired> {
    const { leaseMs } = this.request.policy;
    const endsAt = monotonicMs() + this.storeClient.store.callTimeoutMs;
    for (let round = 0; round === 0 || (round === 1 && monotonicMs() < endsAt); round += 1) {
      const seen = await this.#acquireOnce(endsAt);
      if (seen.kind === 'granted' && monotonicMs() >= seen.sentAt + leaseMs) {
        void this.#abandon();
        break;
      }
      if (seen.kind !== 'superseded') return seen;
    }
    throw new StoreError('unavailable', 'The store answered too late to begin, or its clock jumped; nothing was run.');
  }

  /** What stands there, without ever acquiring: such a request is out of time from the start. */
  async inspect(): Promise<NotAcquired | Superseded> {
    const { storeClient, request: plan } = this;
    const request = this.#acquireRequest(0);
    const endsAt = monotonicMs() + storeClient.store.callTimeoutMs;
    const answer = await storeClient.callWithRetry(
      'acquire',
      plan.recordName,
      () => storeClient.store.acquire(plan.recordName, request),
      endsAt,
    );
    if (answer.kind !== 'acquired') return answer;
    throw new StoreError('bug', 'The store granted a lease to a request that was out of time.');
  }

  /** One question, sent until it is answered. */
  async #acquireOnce(endsAt: number): Promise<LeaseGranted | NotAcquired | Superseded> {
    const { storeClient, request: plan } = this;
    const now = storeClient.clock.estimate() ?? (await storeClient.now(plan.recordName, endsAt));
    this.#notAfter = now + 2 * storeClient.store.callTimeoutMs;
    const request = this.#acquireRequest(this.#notAfter);
    let unanswered = false;
    let sentAt = 0;
    const send = () => {
      sentAt = monotonicMs();
      return storeClient.store.acquire(plan.recordName, request);
    };
    try {
      const answer = await storeClient.callWithRetry('acquire', plan.recordName, send, endsAt, (error) => {
        if (error.class === 'unknown') unanswered = true;
      });
      if ('fencingToken' in answer) storeClient.fencingTokens.observe(plan.recordName, answer.fencingToken);
      if (answer.kind === 'acquired') return this.#leaseGranted(answer, sentAt);
      // Waited for: the next token must not be told of a lease that an unanswered send of this one got.
      if (answer.kind === 'superseded') await this.#abandon();
      else if (unanswered) void this.#abandon();
      return answer;
    } catch (error) {
      if (unanswered) void this.#abandon();
      throw error;
    }
  }

  #acquireRequest(notAfter: number): AcquireRequest {
    const { fingerprint, policy, recordName } = this.request;
    const { leaseMs, onAbandoned, onInProgress } = policy;
    const lastSeenFencingToken = this.storeClient.fencingTokens.highest(recordName);
    const notifyOnEnd = onInProgress !== 'reject';
    const ownerToken = this.#token;
    const said = {
      ownerToken,
      fingerprint,
      leaseMs,
      onAbandoned,
      notAfter,
      lastSeenFencingToken,
      notifyOnEnd,
      scope: scopeDigest(this.request),
    };
    return { ...said, ...recordRetention(policy) };
  }

  /** A record whose steps are damaged is given back: nothing may run that could do one of them again. */
  #leaseGranted(answer: Acquired, sentAt: number): LeaseGranted {
    const { fingerprint, recordName, policy } = this.request;
    const steps = this.#verifySteps(answer.steps);
    const lease = {
      key: recordName,
      ownerToken: this.#token,
      fencingToken: answer.fencingToken,
      fingerprint,
      attempt: answer.attempt,
      takeover: answer.takeover,
      recovering: answer.recovering,
      guarded: answer.guarded,
      fingerprintBound: answer.fingerprintBound,
      leaseEndAt: answer.leaseEndAt,
      ...recordRetention(policy),
    };
    return { kind: 'granted', lease, sentAt, steps };
  }

  #verifySteps(recorded: Acquired['steps']): LeaseGranted['steps'] {
    const { recordName } = this.request;
    try {
      return this.storeClient.verify('acquire', recordName, () => verifySteps(recordName, recorded));
    } catch (error) {
      void this.#abandon();
      throw error;
    }
  }

  /** The token is never used again, and is taken back until no send of it can take effect any more. */
  async #abandon(): Promise<void> {
    const { storeClient, request } = this;
    const notAfter = this.#notAfter;
    const holder = {
      key: request.recordName,
      ownerToken: this.#token,
      fencingToken: null,
      ...recordRetention(request.policy),
    };
    const say = () => storeClient.store.release(holder, { as: 'not_started' });
    this.#token = createOwnerToken();
    await storeClient.releaseQueue.add({
      bytes: 0,
      onGivenUp: () => {},
      tryOnce: async () => (await storeClient.call('release', request.recordName, say)).now > notAfter,
    });
  }
}
