// Acquires a lease for one caller. An abandoned token is released in the background, so that it leaves no stale lease.
import { StoreError } from '../errors.js';
import type { Acquired, AcquireReply, AcquireRequest } from '../protocol/messages.js';
import { attemptFacts } from '../protocol/record.js';
import type { LeaseAcquired, NotAcquired } from './acquisition.js';
import { verifySteps } from './checksum.js';
import { type ExecutionRequest, recordRetention, scopeDigest } from './execution.js';
import { createOwnerToken } from './owner-token.js';
import type { StoreClient } from './store-client.js';
import { monotonicMs } from './time.js';

/** The request reached the store after its time limit: its token must not be used again. */
type Superseded = Extract<AcquireReply, { kind: 'superseded' }>;

export class LeaseAcquirer {
  #token = createOwnerToken();
  /** The store's time after which no send of this token can take effect. */
  #notAfter = 0;
  /** Whether a send of this token may still take effect, as nothing replied to it. */
  #hasUnansweredSend = false;

  constructor(
    private readonly storeClient: StoreClient,
    private readonly request: ExecutionRequest,
  ) {}

  /**
   * Asks for the lease, within the store's deadline. Rejects with a `StoreError` if there is no reply, or none in time to begin; nothing
   * runs then. A reply that came too late for its own time limit corrects the clock, and one more try with a new token follows.
   */
  async acquire(): Promise<LeaseAcquired | NotAcquired> {
    const { leaseMs } = this.request.policy;
    const endsAt = monotonicMs() + this.storeClient.store.callTimeoutMs;
    for (let round = 0; round === 0 || (round === 1 && monotonicMs() < endsAt); round += 1) {
      const acquisition = await this.#acquireOnce(endsAt);
      if (acquisition.kind === 'acquired' && monotonicMs() >= acquisition.sentAt + leaseMs) {
        void this.#abandon();
        break;
      }
      if (acquisition.kind !== 'superseded') return acquisition;
    }
    throw new StoreError('unavailable', 'The store replied too late to begin, or its clock jumped; nothing was run.');
  }

  /** Reads what the record says and never acquires: the time limit of this request has passed before it is sent. */
  async inspect(): Promise<NotAcquired | Superseded> {
    const { storeClient, request } = this;
    const acquireRequest = this.#acquireRequest(0);
    const endsAt = monotonicMs() + storeClient.store.callTimeoutMs;
    const reply = await storeClient.callWithRetry(
      'acquire',
      request,
      () => storeClient.store.acquire(request.recordName, acquireRequest),
      endsAt,
    );
    if (reply.kind !== 'acquired') return reply;
    throw new StoreError('bug', 'The store granted a lease to a request that was out of time.');
  }

  /** Sends one token until there is a reply. */
  async #acquireOnce(endsAt: number): Promise<LeaseAcquired | NotAcquired | Superseded> {
    const { storeClient, request } = this;
    const now = storeClient.clock.estimate() ?? (await storeClient.readStoreTime(request, endsAt));
    this.#notAfter = now + 2 * storeClient.store.callTimeoutMs;
    const acquireRequest = this.#acquireRequest(this.#notAfter);
    let sentAt = 0;
    const send = () => {
      sentAt = monotonicMs();
      return storeClient.store.acquire(request.recordName, acquireRequest);
    };
    try {
      const reply = await storeClient.callWithRetry('acquire', request, send, endsAt, (error) => {
        if (error.class === 'unknown') this.#hasUnansweredSend = true;
      });
      if ('fencingToken' in reply) storeClient.fencingTokens.observe(request.recordName, reply.fencingToken);
      if (reply.kind === 'acquired') return this.#leaseAcquired(reply, sentAt);
      // Awaited, because a send without a reply may have got a lease, and that lease must not refuse the next token.
      if (reply.kind === 'superseded') await this.#abandon();
      else if (this.#hasUnansweredSend) void this.#abandon();
      return reply;
    } catch (error) {
      if (this.#hasUnansweredSend) void this.#abandon();
      throw error;
    }
  }

  #acquireRequest(notAfter: number): AcquireRequest {
    const { fingerprint, policy, recordName, operation, label, traceparent } = this.request;
    const { leaseMs, onAbandoned, onInProgress } = policy;
    return {
      ownerToken: this.#token,
      fingerprint,
      leaseMs,
      onAbandoned,
      notAfter,
      lastSeenFencingToken: this.storeClient.fencingTokens.highest(recordName),
      notifyOnEnd: onInProgress !== 'reject',
      scope: scopeDigest(this.request),
      operation,
      label,
      traceparent,
      ...recordRetention(policy),
    };
  }

  /** Abandons a lease on a record whose steps are damaged: a run could repeat one of them. */
  #leaseAcquired(reply: Acquired, sentAt: number): LeaseAcquired {
    const { fingerprint, recordName, policy } = this.request;
    const steps = this.#verifySteps(reply.steps);
    const lease = {
      key: recordName,
      ownerToken: this.#token,
      fingerprint,
      ...attemptFacts(reply),
      leaseEndAt: reply.leaseEndAt,
      ...recordRetention(policy),
    };
    return { kind: 'acquired', lease, sentAt, steps };
  }

  #verifySteps(recorded: Acquired['steps']): LeaseAcquired['steps'] {
    const { recordName } = this.request;
    try {
      return this.storeClient.verify('acquire', this.request, () => verifySteps(recordName, recorded));
    } catch (error) {
      void this.#abandon();
      throw error;
    }
  }

  /** Never uses the token again, and releases it: once, or until no send without a reply can take effect any more. */
  async #abandon(): Promise<void> {
    const { storeClient, request } = this;
    const until = this.#hasUnansweredSend ? this.#notAfter : 0;
    const holder = {
      key: request.recordName,
      ownerToken: this.#token,
      fencingToken: null,
      ...recordRetention(request.policy),
    };
    const release = () => storeClient.store.release(holder, { as: 'not_started' });
    this.#token = createOwnerToken();
    this.#hasUnansweredSend = false;
    await storeClient.releaseQueue.add({
      bytes: 0,
      onGivenUp: () => {},
      tryOnce: async () => (await storeClient.call('release', request, release)).now > until,
    });
  }
}
