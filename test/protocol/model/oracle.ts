// The oracle: an independent model of one key in a reliable store. It checks every reply against its own state.
import { isDeepStrictEqual } from 'node:util';
import {
  type Acquired,
  type AcquireRequest,
  type RecordRetention,
  restoreWindowMs,
  type StepEntry,
} from '../../../packages/core/src/protocol/index.js';
import { assertHolds, type Delivered, textOf } from './message.js';
import { type CompletedWork, flagsOf, lifetimeMs, type Owner, wordsOf } from './oracle-state.js';

type OwnerDelivered = Exclude<Delivered, { verb: 'acquire' | 'resolve' | 'remove' }>;

export class Oracle {
  /** The last granted acquisition, until it has ended. Its lease may have ended. */
  #owner: Owner | null = null;
  #unknown: { readonly retryAt: number } | null = null;
  #done: CompletedWork | null = null;
  #decided: ReturnType<typeof wordsOf> | null = null;
  #fingerprint: string | null = null;
  #attempt = 0;
  #retention: RecordRetention = { recordTtlMs: 0, outcomeTtlMs: 0, unknownTtlMs: 0 };
  /** The fencing tokens of the last decisions. */
  #decisions: number[] = [];
  #livesUntil = 0;
  #steps = new Map<string, StepEntry>();
  /** The owner token of the last attempt, ended or not. */
  #lastToken: string | null = null;
  #fencingToken = 0;

  check(delivered: Delivered): void {
    const { before, now } = delivered;
    if (before === null || now >= before.expiresAt || before.state === 'removed') {
      assertHolds(now >= this.#livesUntil, 'no record disappears before it expires');
      this.#forget();
    } else if (this.#done !== null) {
      assertHolds(now < this.#done.lifeEnd, 'no outcome is kept longer than recordTtlMs');
    }
    switch (delivered.verb) {
      case 'acquire':
        this.#acquire(delivered);
        break;
      case 'resolve':
        this.#resolve(delivered);
        break;
      case 'remove':
        this.#forget();
        break;
      default:
        this.#owned(delivered);
    }
    const kept = delivered.after?.decisions.map(({ fencingToken }) => fencingToken) ?? [];
    if (delivered.after !== null && now < delivered.after.expiresAt) {
      assertHolds(isDeepStrictEqual(kept, this.#decisions), 'the last five decisions are kept');
    }
  }

  #forget(): void {
    [this.#owner, this.#unknown, this.#done, this.#decided, this.#fingerprint] = [null, null, null, null, null];
    [this.#lastToken, this.#attempt, this.#livesUntil, this.#steps] = [null, 0, 0, new Map()];
    this.#decisions = [];
  }

  #acquire(delivered: Extract<Delivered, { verb: 'acquire' }>): void {
    const { reply, request, now } = delivered;
    if (reply.kind !== 'acquired') {
      assertHolds(this.#isCorrectReply(delivered), `${reply.kind} is a correct reply`);
    } else if (reply.fencingToken === this.#owner?.fencingToken) {
      assertHolds(
        request.ownerToken === this.#owner.ownerToken,
        'only the owner token of an attempt gets the attempt again',
      );
      assertHolds(flagsOf(reply) === this.#owner.flags, 'a repetition gets the same attempt');
      assertHolds(
        reply.leaseEndAt >= Math.max(this.#owner.end, now + request.leaseMs),
        'a repetition does not shorten the lease',
      );
      this.#extend(this.#owner, reply.leaseEndAt, request);
    } else {
      this.#assertMayRun(reply, request, now);
      this.#run(reply, request);
    }
  }

  #isCorrectReply({ reply, request, now }: Extract<Delivered, { verb: 'acquire' }>): boolean {
    const doubt = this.#doubt(now);
    switch (reply.kind) {
      case 'superseded':
        return (
          now > request.notAfter ||
          (this.#owner === null && this.#done === null && this.#lastToken === request.ownerToken)
        );
      case 'key_reused':
        return this.#differs(request);
      case 'in_progress':
        return this.#owner !== null && now < this.#owner.end && this.#owner.ownerToken !== request.ownerToken;
      case 'outcome_unknown':
        return doubt !== null && (request.onAbandoned !== 'recover' || now < doubt.retryAt);
      case 'completed':
        return this.#done?.text === textOf(reply.outcome) && now < this.#done.outcomeEnd && !this.#differs(request);
      case 'expired':
        return this.#done !== null && (this.#done.text === null || now >= this.#done.outcomeEnd);
      case 'acquired':
        return true;
    }
  }

  #assertMayRun(reply: Acquired, request: AcquireRequest, now: number): void {
    assertHolds(!this.#differs(request), 'a key belongs to one payload');
    assertHolds(this.#lastToken !== request.ownerToken, 'a late copy of the last acquisition does not run again');
    assertHolds(this.#done === null, 'completed work does not run again');
    assertHolds(this.#owner === null || now >= this.#owner.end, 'at most one lease is alive');
    const doubt = this.#doubt(now);
    const decides = request.onAbandoned === 'recover' && now >= (doubt?.retryAt ?? 0);
    assertHolds(doubt === null || decides, 'guarded or unknown work never runs without a decision');
    assertHolds(reply.recovering === (doubt !== null), 'recovering is set exactly after guarded or unknown work');
    assertHolds(
      reply.takeover === (doubt !== null || this.#owner !== null),
      'takeover is set exactly after an abandoned or unknown attempt',
    );
    assertHolds(
      reply.fingerprintBound === (this.#fingerprint !== null),
      'fingerprintBound is set exactly if the record had a fingerprint',
    );
    assertHolds(reply.guarded === (request.onAbandoned !== 'rerun'), 'guarded follows from the request of the attempt');
    assertHolds(reply.fencingToken > this.#fencingToken, 'fencing tokens strictly grow');
    assertHolds(reply.attempt === this.#attempt + 1, 'attempts are counted');
    const inherits = isDeepStrictEqual(reply.steps, this.#steps);
    assertHolds(inherits, 'an attempt inherits every step without a decision, with the first bytes of the highest seq');
  }

  #run(reply: Acquired, request: AcquireRequest): void {
    const { ownerToken, fingerprint } = request;
    const { fencingToken, guarded, recovering, fingerprintBound, attempt } = reply;
    this.#lastToken = ownerToken;
    this.#retention = request;
    this.#owner = {
      ownerToken,
      fencingToken,
      guarded,
      recovering,
      fingerprintBound,
      flags: flagsOf(reply),
      end: 0,
    };
    this.#extend(this.#owner, reply.leaseEndAt, request);
    [this.#unknown, this.#decided, this.#fencingToken, this.#attempt] = [null, null, fencingToken, attempt];
    this.#fingerprint ??= fingerprint;
  }

  #owned(delivered: OwnerDelivered): void {
    const { reply, before, after } = delivered;
    assertHolds(reply.kind !== 'restored', 'no record is restored that was not lost');
    const by = delivered.verb === 'release' ? delivered.holder : delivered.lease;
    const byToken = delivered.verb === 'release' && delivered.request.as === 'not_started';
    const owner = this.#owner;
    if (owner !== null && owner.ownerToken === by.ownerToken && (byToken || owner.fencingToken === by.fencingToken)) {
      assertHolds(reply.kind === 'ok', 'the present owner gets ok');
      this.#applyOwnerCall(delivered, owner);
    } else {
      assertHolds(before === after, 'nobody but the owner changes anything');
    }
  }

  #applyOwnerCall(delivered: OwnerDelivered, owner: Owner): void {
    const { now, after } = delivered;
    switch (delivered.verb) {
      case 'renew': {
        const end = after?.leaseEndAt ?? 0;
        const least = Math.max(owner.end, now + delivered.leaseMs);
        assertHolds(end >= least, 'renew gives at least leaseMs, and never shortens the lease');
        this.#extend(owner, end, delivered.lease);
        break;
      }
      case 'checkpoint': {
        const { step, seq, bytes } = delivered.checkpoint;
        if (seq > (this.#steps.get(step)?.seq ?? -1)) this.#steps.set(step, { seq, bytes });
        break;
      }
      case 'complete':
        this.#complete(delivered.completion, delivered.lease.recordTtlMs, now, owner.recovering);
        break;
      case 'release': {
        const { request, holder } = delivered;
        const unknown = request.as === 'unknown' || (request.as === 'not_started' && owner.recovering);
        const retryAfterMs = request.as === 'unknown' ? request.retryAfterMs : null;
        this.#owner = null;
        this.#unknown = unknown ? { retryAt: retryAfterMs === null ? 0 : now + retryAfterMs } : null;
        this.#livesUntil = Math.max(this.#livesUntil, now + lifetimeMs(holder, unknown));
        if (unknown || this.#steps.size > 0) break;
        if (this.#decisions.length === 0)
          this.#livesUntil = Math.min(this.#livesUntil, Math.max(now + restoreWindowMs, owner.end));
        if (request.as === 'retryable' && request.unbindFingerprint === true && !owner.fingerprintBound)
          this.#fingerprint = null;
        break;
      }
    }
  }

  #resolve({ reply, request, before, after, now }: Extract<Delivered, { verb: 'resolve' }>): void {
    const doubtful = this.#unknown !== null || (this.#owner !== null && now >= this.#owner.end);
    if (!doubtful || request.expectedFencingToken !== this.#fencingToken) {
      assertHolds(before === after, 'nothing changes without a doubt to decide');
      const again = isDeepStrictEqual(this.#decided, wordsOf(request));
      assertHolds((reply.kind === 'ok') === again, 'a decision sent again by the same person is ok, and no other is');
      return;
    }
    assertHolds(reply.kind === 'ok' && after !== null, 'a doubt can be decided');
    assertHolds(after.fencingToken > this.#fencingToken, 'a decision raises the fencing token');
    this.#fencingToken = after.fencingToken;
    this.#decided = wordsOf(request);
    this.#decisions = [...this.#decisions, request.expectedFencingToken].slice(-5);
    [this.#owner, this.#unknown] = [null, null];
    const outcomeTtlMs = Math.max(this.#retention.outcomeTtlMs, request.outcomeTtlMs ?? 0);
    const recordTtlMs = Math.max(this.#retention.recordTtlMs, request.recordTtlMs ?? 0, outcomeTtlMs);
    if (request.as === 'done') {
      this.#complete({ outcome: request.outcome, outcomeTtlMs }, recordTtlMs, now, true);
    } else {
      this.#livesUntil = Math.max(this.#livesUntil, now + recordTtlMs);
      this.#steps = new Map([...this.#steps].filter(([, { seq }]) => seq % 2 === 0));
    }
  }

  #complete(
    what: { outcome: Uint8Array | null; outcomeTtlMs: number },
    recordTtlMs: number,
    now: number,
    isDecision: boolean,
  ): void {
    this.#livesUntil = Math.max(now + recordTtlMs, isDecision ? this.#livesUntil : 0);
    this.#done = { text: textOf(what.outcome), outcomeEnd: now + what.outcomeTtlMs, lifeEnd: this.#livesUntil };
    [this.#owner, this.#unknown] = [null, null];
  }

  #extend(owner: Owner, end: number, retention: RecordRetention): void {
    owner.end = end;
    this.#livesUntil = Math.max(this.#livesUntil, end + lifetimeMs(retention, owner.guarded));
  }

  #doubt(now: number): { readonly retryAt: number } | null {
    const owner = this.#owner;
    return owner?.guarded && now >= owner.end ? { retryAt: 0 } : this.#unknown;
  }

  #differs({ fingerprint }: AcquireRequest): boolean {
    return fingerprint !== null && this.#fingerprint !== null && fingerprint !== this.#fingerprint;
  }
}
