// One attempt under its lease: renewed at a third of it, believed in for no longer than the store can be believing.

import { LeaseLostError, StoreError } from '../errors.js';
import { type EventSubject, publish } from '../events.js';
import type { Checkpoint, Lease, RenewReply } from '../protocol/messages.js';
import type { StepEntry } from '../protocol/record.js';
import { unref } from '../timers.js';
import { AttemptContext } from './attempt-context.js';
import { addStepChecksum } from './checksum.js';
import type { ExecutionRequest } from './execution.js';
import type { LeaseGranted } from './lease-acquirer.js';
import { deriveKeyFromRecordName, type OperationContext } from './operation-context.js';
import { type StepRecorder, Steps } from './steps.js';
import { isRetryable, type StoreClient } from './store-client.js';
import { monotonicMs, pause, withJitter } from './time.js';

const noSteps: readonly string[] = [];

export class Attempt implements StepRecorder {
  /** Every step that is, or is to be, on record: what a store that loses the record is told again. */
  readonly #checkpoints = new Map<string, Checkpoint>();
  readonly #inheritedSteps: ReadonlyMap<string, StepEntry>;
  #steps: Steps | undefined;
  #lease: Lease;
  #timer: NodeJS.Timeout | undefined;
  #renewAt: number;
  #leaseDeadlineAt: number;
  #lossError: LeaseLostError | null = null;
  #isStopped = false;
  #mayRunSteps = true;
  /** The operation says that a failure of this attempt left nothing behind. */
  nothingHappened = false;
  /** A renewal was not answered: it may have written anew what the store had lost, and its steps are missing there. */
  #renewalUnanswered = false;
  readonly #renewUntil: number;
  readonly #abortController = new AbortController();
  /** Why the signal aborts: kept for those who ask for it later. */
  #abortReason: LeaseLostError | null = null;
  #isSignalUsed = false;
  #onLeaseOver: (() => void) | undefined;

  constructor(
    readonly storeClient: StoreClient,
    readonly request: ExecutionRequest,
    granted: LeaseGranted,
  ) {
    const { leaseMs, maxExecutionMs } = request.policy;
    this.#lease = granted.lease;
    this.#leaseDeadlineAt = granted.sentAt + leaseMs;
    this.#renewAt = granted.sentAt + leaseMs / 3;
    this.#renewUntil = granted.sentAt + maxExecutionMs;
    for (const [step, entry] of granted.steps) this.#checkpoints.set(step, { step, ...entry });
    this.#inheritedSteps = granted.steps;
    this.#scheduleRenewal();
  }

  get lease(): Lease {
    return this.#lease;
  }

  /** Made when somebody asks for it: most operations have no steps. */
  get steps(): Steps {
    this.#steps ??= new Steps(this, this.#inheritedSteps);
    return this.#steps;
  }

  /** Steps of which nobody knows whether they happened. */
  get stepsInDoubt(): readonly string[] {
    return this.#steps === undefined && this.#inheritedSteps.size === 0 ? noSteps : this.steps.inDoubt;
  }

  get attempt(): number {
    return this.#lease.attempt;
  }

  /** Made when somebody asks for it: most operations never do, and a signal costs more than all else that an attempt is made of. */
  get signal(): AbortSignal {
    this.#isSignalUsed = true;
    if (this.#abortReason !== null) this.#abortController.abort(this.#abortReason);
    return this.#abortController.signal;
  }

  deriveKey(part: string): string {
    return deriveKeyFromRecordName(this.request.recordName, part);
  }

  /** Whether this owner may still believe in its lease. An end that no timer has noticed yet is noticed here. */
  isLeaseValid(): boolean {
    if (monotonicMs() >= this.#leaseDeadlineAt) this.#markLost('its time ran out without a renewal');
    return this.#lossError === null;
  }

  createContext(): OperationContext {
    return new AttemptContext(this);
  }

  /** What events say of its record. */
  recordSubject(): EventSubject {
    return this.storeClient.eventSubject(this.request.recordName);
  }

  /** What events say of it. */
  attemptSubject(): EventSubject & { readonly attempt: number } {
    return { ...this.recordSubject(), attempt: this.attempt };
  }

  /** The operation has ended: while its outcome is being recorded, no step of it begins any more, nor is one recorded. */
  endSteps(): void {
    this.#mayRunSteps = false;
  }

  /** Ends renewal: the outcome is on record, or the lease is left to run out. */
  stopRenewal(): void {
    clearTimeout(this.#timer);
    this.#isStopped = true;
    this.#mayRunSteps = false;
    this.#onLeaseOver?.();
  }

  /** Asks whatever still works for this attempt to stop, because the next attempt may begin. */
  abortForRetry(): void {
    this.#abort(new LeaseLostError('its key is free for a retry'));
  }

  /** Resolves when the lease is lost or given up. To be called once. */
  async whenLeaseOver(): Promise<void> {
    if (this.#isStopped || this.#lossError !== null) return;
    await new Promise<void>((resolve) => {
      this.#onLeaseOver = resolve;
    });
  }

  assertLeaseValid(): void {
    if (!this.#mayRunSteps) throw new LeaseLostError('the operation has ended');
    if (!this.isLeaseValid()) throw this.#lossError ?? new LeaseLostError('it is over');
  }

  /** Said again and again while the lease holds: what has been done must not be forgotten because a store was away. */
  async recordStep(point: Checkpoint): Promise<void> {
    const { storeClient, request } = this;
    const { step, seq } = point;
    const recorded = { step, seq, bytes: addStepChecksum(request.recordName, step, point) };
    this.#checkpoints.set(step, point);
    for (let failures = 0; ; failures += 1) {
      this.assertLeaseValid();
      try {
        const { kind } = await storeClient.call('checkpoint', request.recordName, () =>
          storeClient.store.checkpoint(this.#lease, recorded),
        );
        this.assertLeaseValid();
        if (kind === 'ok') return;
        if (kind === 'lost') this.#markLost('another owner has taken over');
        else await this.#renew();
      } catch (error) {
        if (!(error instanceof StoreError) || !isRetryable(error.class)) throw error;
      }
      await pause(withJitter(Math.min(10 * 2 ** failures, 200)));
    }
  }

  /** The record may be a new one: all steps are told again, those of earlier attempts too. Without the lease nothing is. */
  async #resendCheckpoints(): Promise<void> {
    await Promise.all([...this.#checkpoints.values()].map((point) => this.recordStep(point).catch(() => undefined)));
  }

  #scheduleRenewal(): void {
    if (this.#isStopped || this.#lossError !== null) return;
    clearTimeout(this.#timer);
    const wakeAt = Math.min(this.#renewAt, this.#leaseDeadlineAt);
    this.#timer = unref(setTimeout(() => this.#onTimer(), Math.max(0, wakeAt - monotonicMs())));
  }

  #onTimer(): void {
    if (!this.isLeaseValid()) return;
    const now = monotonicMs();
    if (now >= this.#renewAt) {
      this.#renewAt = Number.POSITIVE_INFINITY;
      if (now < this.#renewUntil) void this.#renew();
    }
    this.#scheduleRenewal();
  }

  async #renew(): Promise<void> {
    const { storeClient, request } = this;
    const { leaseMs } = request.policy;
    const sentAt = monotonicMs();
    const say = () => storeClient.store.renew(this.#lease, leaseMs);
    // A renewal that hangs must leave time for the next one.
    const withinMs = Math.min(storeClient.store.callTimeoutMs, leaseMs / 3);
    const answer = await storeClient.call('renew', request.recordName, say, withinMs).catch(() => null);
    if (this.#isStopped || this.#lossError !== null) return;
    // Silence or a refusal says nothing about the lease: asked again soon, until the own deadline ends it.
    if (answer === null) this.#renewAt = monotonicMs() + Math.min(leaseMs / 10, 1_000);
    else this.#onRenewed(answer, sentAt);
    this.#scheduleRenewal();
    const isNew = answer?.kind === 'restored' || (answer?.kind === 'ok' && this.#renewalUnanswered);
    this.#renewalUnanswered = answer === null;
    if (isNew) await this.#resendCheckpoints();
  }

  /** A renewal counts from before it was sent, so that this side never believes longer than the store. */
  #onRenewed(answer: RenewReply, sentAt: number): void {
    const { kind } = answer;
    if (kind === 'restored' || kind === 'gone') {
      publish('record_lost', () => ({ ...this.recordSubject(), verb: 'renew', restored: kind === 'restored' }));
    }
    if (kind === 'lost') this.#markLost('another owner has taken over');
    else if (kind === 'gone') this.#markLost('the store has lost the record');
    else this.#extendLease(answer.leaseEndAt, sentAt);
  }

  #extendLease(leaseEndAt: number, sentAt: number): void {
    const { leaseMs } = this.request.policy;
    this.#lease = { ...this.#lease, leaseEndAt };
    this.#leaseDeadlineAt = sentAt + leaseMs;
    this.#renewAt = sentAt + leaseMs / 3;
  }

  #markLost(why: string): void {
    if (this.#lossError !== null) return;
    this.#lossError = new LeaseLostError(why);
    clearTimeout(this.#timer);
    publish('lease_lost', () => ({ ...this.attemptSubject(), reason: why }));
    this.#abort(this.#lossError);
    this.#onLeaseOver?.();
  }

  /** The first reason stands. A signal that nobody asked for is not made. */
  #abort(reason: LeaseLostError): void {
    this.#abortReason ??= reason;
    if (this.#isSignalUsed) this.#abortController.abort(this.#abortReason);
  }
}
