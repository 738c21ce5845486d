// One attempt under its lease: renewed at a third of it, believed in for no longer than the store can be believing.

import { LeaseLostError, StoreError } from '../errors.js';
import { type EventSubject, publish } from '../events.js';
import type { Checkpoint, Lease, RenewAnswer } from '../protocol/messages.js';
import type { StepEntry } from '../protocol/record.js';
import { unref } from '../timers.js';
import { AttemptContext } from './attempt-context.js';
import { recordedStep } from './checksum.js';
import type { Granted } from './claimant.js';
import { deriveKey, type OperationContext } from './context.js';
import type { Plan } from './plan.js';
import { type StepLedger, Steps } from './steps.js';
import { isRepeatable, type StoreLink } from './store-link.js';
import { jittered, monotonicMs, pause } from './timing.js';

const noSteps: readonly string[] = [];

export class Attempt implements StepLedger {
  /** Every step that is, or is to be, on record: what a store that loses the record is told again. */
  readonly #points = new Map<string, Checkpoint>();
  readonly #inherited: ReadonlyMap<string, StepEntry>;
  #steps: Steps | undefined;
  #lease: Lease;
  #timer: NodeJS.Timeout | undefined;
  #renewAt: number;
  #deadlineAt: number;
  #lost: LeaseLostError | null = null;
  #stopped = false;
  #mayAct = true;
  /** The operation says that a failure of this attempt left nothing behind. */
  nothingHappened = false;
  /** A renewal was not answered: it may have written anew what the store had lost, and its steps are missing there. */
  #unheard = false;
  readonly #renewUntil: number;
  readonly #aborter = new AbortController();
  /** Why the signal aborts: kept for those who ask for it later. */
  #abortReason: LeaseLostError | null = null;
  #isSignalUsed = false;
  #onOver: (() => void) | undefined;

  constructor(
    readonly link: StoreLink,
    readonly plan: Plan,
    granted: Granted,
  ) {
    const { leaseMs, maxExecutionMs } = plan.terms;
    this.#lease = granted.lease;
    this.#deadlineAt = granted.sentAt + leaseMs;
    this.#renewAt = granted.sentAt + leaseMs / 3;
    this.#renewUntil = granted.sentAt + maxExecutionMs;
    for (const [step, entry] of granted.steps) this.#points.set(step, { step, ...entry });
    this.#inherited = granted.steps;
    this.#schedule();
  }

  get lease(): Lease {
    return this.#lease;
  }

  /** Made when somebody asks for it: most operations have no steps. */
  get steps(): Steps {
    this.#steps ??= new Steps(this, this.#inherited);
    return this.#steps;
  }

  /** Steps of which nobody knows whether they happened. */
  get stepsInDoubt(): readonly string[] {
    return this.#steps === undefined && this.#inherited.size === 0 ? noSteps : this.steps.inDoubt;
  }

  get attempt(): number {
    return this.#lease.attempt;
  }

  /** Made when somebody asks for it: most operations never do, and a signal costs more than all else that an attempt is made of. */
  get signal(): AbortSignal {
    this.#isSignalUsed = true;
    if (this.#abortReason !== null) this.#aborter.abort(this.#abortReason);
    return this.#aborter.signal;
  }

  deriveKey(part: string): string {
    return deriveKey(this.plan.name, part);
  }

  /** Whether this owner may still believe in its lease. An end that no timer has noticed yet is noticed here. */
  holds(): boolean {
    if (monotonicMs() >= this.#deadlineAt) this.#lose('its time ran out without a renewal');
    return this.#lost === null;
  }

  context(): OperationContext {
    return new AttemptContext(this);
  }

  /** What events say of its record. */
  recordSubject(): EventSubject {
    return this.link.subject(this.plan.name);
  }

  /** What events say of it. */
  subject(): EventSubject & { readonly attempt: number } {
    return { ...this.recordSubject(), attempt: this.attempt };
  }

  /** The operation has ended: while its outcome is being recorded, no step of it begins any more, nor is one recorded. */
  endSteps(): void {
    this.#mayAct = false;
  }

  /** Ends renewal: the outcome is on record, or the lease is left to run out. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped = true;
    this.#mayAct = false;
    this.#onOver?.();
  }

  /** Asks whatever still works for this attempt to stop, because the next attempt may begin. */
  abortForRetry(): void {
    this.#abort(new LeaseLostError('its key is free for a retry'));
  }

  /** Resolves when the lease is lost or given up. To be called once. */
  async whenOver(): Promise<void> {
    if (this.#stopped || this.#lost !== null) return;
    await new Promise<void>((resolve) => {
      this.#onOver = resolve;
    });
  }

  mustHold(): void {
    if (!this.#mayAct) throw new LeaseLostError('the operation has ended');
    if (!this.holds()) throw this.#lost ?? new LeaseLostError('it is over');
  }

  /** Said again and again while the lease holds: what has been done must not be forgotten because a store was away. */
  async record(point: Checkpoint): Promise<void> {
    const { link, plan } = this;
    const { step, seq } = point;
    const recorded = { step, seq, bytes: recordedStep(plan.name, step, point) };
    this.#points.set(step, point);
    for (let failures = 0; ; failures += 1) {
      this.mustHold();
      try {
        const { kind } = await link.ask('checkpoint', plan.name, () => link.store.checkpoint(this.#lease, recorded));
        this.mustHold();
        if (kind === 'ok') return;
        if (kind === 'lost') this.#lose('another owner has taken over');
        else await this.#renew();
      } catch (error) {
        if (!(error instanceof StoreError) || !isRepeatable(error.class)) throw error;
      }
      await pause(jittered(Math.min(10 * 2 ** failures, 200)));
    }
  }

  /** The record may be a new one: all steps are told again, those of earlier attempts too. Without the lease nothing is. */
  async #tellAgain(): Promise<void> {
    await Promise.all([...this.#points.values()].map((point) => this.record(point).catch(() => undefined)));
  }

  #schedule(): void {
    if (this.#stopped || this.#lost !== null) return;
    clearTimeout(this.#timer);
    const wakeAt = Math.min(this.#renewAt, this.#deadlineAt);
    this.#timer = unref(setTimeout(() => this.#wake(), Math.max(0, wakeAt - monotonicMs())));
  }

  #wake(): void {
    if (!this.holds()) return;
    const now = monotonicMs();
    if (now >= this.#renewAt) {
      this.#renewAt = Number.POSITIVE_INFINITY;
      if (now < this.#renewUntil) void this.#renew();
    }
    this.#schedule();
  }

  async #renew(): Promise<void> {
    const { link, plan } = this;
    const { leaseMs } = plan.terms;
    const sentAt = monotonicMs();
    const say = () => link.store.renew(this.#lease, leaseMs);
    // A renewal that hangs must leave time for the next one.
    const withinMs = Math.min(link.store.timeoutMs, leaseMs / 3);
    const answer = await link.ask('renew', plan.name, say, withinMs).catch(() => null);
    if (this.#stopped || this.#lost !== null) return;
    // Silence or a refusal says nothing about the lease: asked again soon, until the own deadline ends it.
    if (answer === null) this.#renewAt = monotonicMs() + Math.min(leaseMs / 10, 1_000);
    else this.#hear(answer, sentAt);
    this.#schedule();
    const isNew = answer?.kind === 'restored' || (answer?.kind === 'ok' && this.#unheard);
    this.#unheard = answer === null;
    if (isNew) await this.#tellAgain();
  }

  /** A renewal counts from before it was sent, so that this side never believes longer than the store. */
  #hear(answer: RenewAnswer, sentAt: number): void {
    const { kind } = answer;
    if (kind === 'restored' || kind === 'gone') {
      publish('record_lost', () => ({ ...this.recordSubject(), verb: 'renew', restored: kind === 'restored' }));
    }
    if (kind === 'lost') this.#lose('another owner has taken over');
    else if (kind === 'gone') this.#lose('the store has lost the record');
    else this.#believe(answer.leaseEndAt, sentAt);
  }

  #believe(leaseEndAt: number, sentAt: number): void {
    const { leaseMs } = this.plan.terms;
    this.#lease = { ...this.#lease, leaseEndAt };
    this.#deadlineAt = sentAt + leaseMs;
    this.#renewAt = sentAt + leaseMs / 3;
  }

  #lose(why: string): void {
    if (this.#lost !== null) return;
    this.#lost = new LeaseLostError(why);
    clearTimeout(this.#timer);
    publish('lease_lost', () => ({ ...this.subject(), reason: why }));
    this.#abort(this.#lost);
    this.#onOver?.();
  }

  /** The first reason stands. A signal that nobody asked for is not made. */
  #abort(reason: LeaseLostError): void {
    this.#abortReason ??= reason;
    if (this.#isSignalUsed) this.#aborter.abort(this.#abortReason);
  }
}
