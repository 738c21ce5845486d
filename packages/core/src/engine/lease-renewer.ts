// Keeps the lease of one attempt: renews it at a third of its length, and considers it lost no later than the store does.
import { LeaseLostError } from '../errors.js';
import { publish } from '../events.js';
import type { Lease, RenewReply } from '../protocol/messages.js';
import { unref } from '../timers.js';
import type { LeaseAcquired } from './acquisition.js';
import type { ExecutionRequest } from './execution.js';
import type { StoreClient } from './store-client.js';
import { monotonicMs } from './time.js';

/** After a renewal without a reply the next one follows this soon, or after a tenth of the lease if that is shorter. */
const maxRenewalRetryMs = 1_000;

export class LeaseRenewer {
  #lease: Lease;
  #timer: NodeJS.Timeout | undefined;
  /** When the next renewal is due. Infinity while one is on its way. */
  #renewAt: number;
  /** When the lease ends unless a renewal extends it. */
  #deadlineAt: number;
  /** `maxExecutionMs` after the start: renewal ends here, also for work that never does. */
  readonly #renewUntil: number;
  #lossError: LeaseLostError | null = null;
  #isStopped = false;
  /** The last renewal got no reply. It may have written a record that the store had lost; the steps are missing in such a record. */
  #lastRenewalUnanswered = false;
  readonly #abortController = new AbortController();
  /** Kept for a signal that is read after the abort. */
  #abortReason: LeaseLostError | null = null;
  #isSignalUsed = false;
  #onOver: (() => void) | undefined;

  /** `onRecordRestored` is called, and awaited, when a renewal may have written a new record without the recorded steps. */
  constructor(
    private readonly storeClient: StoreClient,
    private readonly request: ExecutionRequest,
    { lease, sentAt }: LeaseAcquired,
    private readonly onRecordRestored: () => Promise<void>,
  ) {
    const { leaseMs, maxExecutionMs } = request.policy;
    this.#lease = lease;
    this.#deadlineAt = sentAt + leaseMs;
    this.#renewAt = sentAt + leaseMs / 3;
    this.#renewUntil = sentAt + maxExecutionMs;
    this.#scheduleRenewal();
  }

  get lease(): Lease {
    return this.#lease;
  }

  /** Aborts when the lease is lost, or by `abort`. Created on first use: it costs more than the rest of an attempt, and few read it. */
  get signal(): AbortSignal {
    this.#isSignalUsed = true;
    if (this.#abortReason !== null) this.#abortController.abort(this.#abortReason);
    return this.#abortController.signal;
  }

  /** Aborts the signal, for the first reason given. Does not create a signal that nobody has read. */
  abort(reason: LeaseLostError): void {
    this.#abortReason ??= reason;
    if (this.#isSignalUsed) this.#abortController.abort(this.#abortReason);
  }

  /** Whether this owner may still act. Marks the lease as lost where its deadline has passed and no timer has noticed yet. */
  isLeaseValid(): boolean {
    if (monotonicMs() >= this.#deadlineAt) this.markLost('its time ran out without a renewal');
    return this.#lossError === null;
  }

  assertLeaseValid(): void {
    if (!this.isLeaseValid()) throw this.#lossError ?? new LeaseLostError('it is over');
  }

  /** Resolves when the lease is lost or renewal has stopped. To be called once. */
  async whenOver(): Promise<void> {
    if (this.#isStopped || this.#lossError !== null) return;
    await new Promise<void>((resolve) => {
      this.#onOver = resolve;
    });
  }

  /** Ends renewal: the outcome is on record, or the lease is left to expire. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#isStopped = true;
    this.#onOver?.();
  }

  markLost(why: string): void {
    if (this.#lossError !== null) return;
    this.#lossError = new LeaseLostError(why);
    clearTimeout(this.#timer);
    const { storeClient, request, lease } = this;
    publish('lease_lost', () => ({
      ...storeClient.eventSubject(request),
      attempt: lease.attempt,
      reason: why,
    }));
    this.abort(this.#lossError);
    this.#onOver?.();
  }

  #scheduleRenewal(): void {
    if (this.#isStopped || this.#lossError !== null) return;
    clearTimeout(this.#timer);
    const wakeAt = Math.min(this.#renewAt, this.#deadlineAt);
    this.#timer = unref(setTimeout(() => this.#onTimer(), Math.max(0, wakeAt - monotonicMs())));
  }

  #onTimer(): void {
    if (!this.isLeaseValid()) return;
    const now = monotonicMs();
    if (now >= this.#renewAt) {
      this.#renewAt = Number.POSITIVE_INFINITY;
      if (now < this.#renewUntil) void this.renew();
    }
    this.#scheduleRenewal();
  }

  /** Makes one call. Never rejects. */
  async renew(): Promise<void> {
    const { storeClient, request } = this;
    const { leaseMs } = request.policy;
    const sentAt = monotonicMs();
    const send = () => storeClient.store.renew(this.#lease, leaseMs);
    // A renewal that hangs must leave time for the next one.
    const withinMs = Math.min(storeClient.store.callTimeoutMs, leaseMs / 3);
    const reply = await storeClient.call('renew', request, send, withinMs).catch(() => null);
    if (this.#isStopped || this.#lossError !== null) return;
    // A missing reply, or an error, does not say that the lease is lost: retry until the own deadline ends it.
    if (reply === null) this.#renewAt = monotonicMs() + Math.min(leaseMs / 10, maxRenewalRetryMs);
    else this.#onReply(reply, sentAt);
    this.#scheduleRenewal();
    const mayBeNewRecord = reply?.kind === 'restored' || (reply?.kind === 'ok' && this.#lastRenewalUnanswered);
    this.#lastRenewalUnanswered = reply === null;
    if (mayBeNewRecord) await this.onRecordRestored();
  }

  #onReply(reply: RenewReply, sentAt: number): void {
    const { kind } = reply;
    if (kind === 'restored' || kind === 'gone') {
      const subject = this.storeClient.eventSubject(this.request);
      publish('record_lost', () => ({ ...subject, verb: 'renew', restored: kind === 'restored' }));
    }
    if (kind === 'lost') this.markLost('another owner has taken over');
    else if (kind === 'gone') this.markLost('the store has lost the record');
    else this.#extendLease(reply.leaseEndAt, sentAt);
  }

  /** Counts from before the renewal was sent, so that the lease never lasts longer here than at the store. */
  #extendLease(leaseEndAt: number, sentAt: number): void {
    const { leaseMs } = this.request.policy;
    this.#lease = { ...this.#lease, leaseEndAt };
    this.#deadlineAt = sentAt + leaseMs;
    this.#renewAt = sentAt + leaseMs / 3;
  }
}
