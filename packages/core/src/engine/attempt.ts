// One attempt under its lease: renewed at a third of it, believed in for no longer than the store can be believing.
import { LeaseLostError } from '../errors.js';
import { type EventSubject, publish } from '../events.js';
import type { Lease, RenewAnswer } from '../protocol/messages.js';
import type { Granted } from './claimant.js';
import { deriveKey, type OperationContext } from './context.js';
import type { Plan } from './plan.js';
import type { StoreLink } from './store-link.js';
import { monotonicMs } from './timing.js';

export class Attempt {
  #lease: Lease;
  #timer: NodeJS.Timeout | undefined;
  #renewAt: number;
  #deadlineAt: number;
  #lost = false;
  #stopped = false;
  readonly #renewUntil: number;
  readonly #aborter = new AbortController();

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
    this.#schedule();
  }

  get lease(): Lease {
    return this.#lease;
  }

  /** Whether this owner may still believe in its lease. An end that no timer has noticed yet is noticed here. */
  holds(): boolean {
    if (monotonicMs() >= this.#deadlineAt) this.#lose('its time ran out without a renewal');
    return !this.#lost;
  }

  context(): OperationContext {
    const { key, name } = this.plan;
    const { attempt, takeover, fence } = this.#lease;
    const { signal } = this.#aborter;
    return { key, attempt, takeover, fencingToken: fence, signal, deriveKey: (part) => deriveKey(name, part) };
  }

  /** What events say of its record. */
  record(): EventSubject {
    return this.link.subject(this.plan.name);
  }

  /** What events say of it. */
  subject(): EventSubject & { readonly attempt: number } {
    return { ...this.record(), attempt: this.#lease.attempt };
  }

  /** Ends renewal: the outcome is on record, or the lease is left to run out. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped = true;
  }

  #schedule(): void {
    if (this.#stopped || this.#lost) return;
    clearTimeout(this.#timer);
    const wakeAt = Math.min(this.#renewAt, this.#deadlineAt);
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, wakeAt - monotonicMs())).unref();
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
    if (this.#stopped || this.#lost) return;
    // Silence or a refusal says nothing about the lease: asked again soon, until the own deadline ends it.
    if (answer === null) this.#renewAt = monotonicMs() + Math.min(leaseMs / 10, 1_000);
    else this.#hear(answer, sentAt);
    this.#schedule();
  }

  /** A renewal counts from before it was sent, so that this side never believes longer than the store. */
  #hear(answer: RenewAnswer, sentAt: number): void {
    const { kind } = answer;
    if (kind === 'restored' || kind === 'gone') {
      publish('record_lost', () => ({ ...this.record(), verb: 'renew', restored: kind === 'restored' }));
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
    if (this.#lost) return;
    this.#lost = true;
    clearTimeout(this.#timer);
    publish('lease_lost', () => ({ ...this.subject(), reason: why }));
    this.#aborter.abort(new LeaseLostError(why));
  }
}
