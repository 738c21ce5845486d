// What an all-knowing observer knows of a key while the store loses nothing: who owns it, what is decided, what is due.
import { isDeepStrictEqual } from 'node:util';
import {
  type Acquired,
  type AcquireRequest,
  type RecordRetention,
  restoreWindowMs,
  type StepEntry,
} from '../../../packages/core/src/protocol/index.js';
import { assertHolds, type Delivered, textOf } from './message.js';

type OwnerDelivered = Exclude<Delivered, { verb: 'acquire' | 'resolve' | 'remove' }>;

interface Owner {
  readonly ownerToken: string;
  readonly fencingToken: number;
  readonly flags: string;
  readonly guarded: boolean;
  readonly recovering: boolean;
  readonly fingerprintBound: boolean;
  end: number;
}

interface CompletedWork {
  readonly text: string | null;
  readonly outcomeEnd: number;
  readonly lifeEnd: number;
}

export class Oracle {
  /** The last acquisition that executed, until it is ended; its lease may be over. */
  #owner: Owner | null = null;
  #unknown: { readonly retryAt: number } | null = null;
  #done: CompletedWork | null = null;
  #decided: { readonly fencingToken: number; readonly as: string } | null = null;
  #fingerprint: string | null = null;
  #attempt = 0;
  #terms: RecordRetention = { recordTtlMs: 0, outcomeTtlMs: 0, unknownTtlMs: 0 };
  /** From which fencing tokens. */
  #decisions: number[] = [];
  #livesUntil = 0;
  #steps = new Map<string, StepEntry>();
  /** Whose attempt was the last, ended or not. */
  #lastToken: string | null = null;
  #fencingToken = 0;

  check(delivered: Delivered): void {
    const { before, now } = delivered;
    if (before === null || now >= before.expiresAt || before.state === 'removed') {
      assertHolds(now >= this.#livesUntil, 'no record is gone before its life is over');
      this.#forget();
    } else if (this.#done !== null) {
      assertHolds(now < this.#done.lifeEnd, 'no outcome is known longer than recordTtlMs');
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
    const { answer, request, now } = delivered;
    if (answer.kind !== 'acquired') {
      assertHolds(this.#mayAnswer(delivered), `${answer.kind} is what stands there`);
    } else if (answer.fencingToken === this.#owner?.fencingToken) {
      assertHolds(request.ownerToken === this.#owner.ownerToken, 'only its own token is answered an attempt again');
      assertHolds(flagsOf(answer) === this.#owner.flags, 'a repetition is answered the very same attempt');
      assertHolds(
        answer.leaseEndAt >= Math.max(this.#owner.end, now + request.leaseMs),
        'repeated, a lease is no shorter',
      );
      this.#extend(this.#owner, answer.leaseEndAt, request);
    } else {
      this.#mayRun(answer, request, now);
      this.#run(answer, request);
    }
  }

  #mayAnswer({ answer, request, now }: Extract<Delivered, { verb: 'acquire' }>): boolean {
    const doubt = this.#doubt(now);
    switch (answer.kind) {
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
        return this.#done?.text === textOf(answer.outcome) && now < this.#done.outcomeEnd && !this.#differs(request);
      case 'expired':
        return this.#done !== null && (this.#done.text === null || now >= this.#done.outcomeEnd);
      case 'acquired':
        return true;
    }
  }

  #mayRun(answer: Acquired, request: AcquireRequest, now: number): void {
    assertHolds(!this.#differs(request), 'one key names one payload');
    assertHolds(this.#lastToken !== request.ownerToken, 'a late copy of the last acquisition does not execute again');
    assertHolds(this.#done === null, 'what is done is not run again');
    assertHolds(this.#owner === null || now >= this.#owner.end, 'at most one lease is alive');
    const doubt = this.#doubt(now);
    const decides = request.onAbandoned === 'recover' && now >= (doubt?.retryAt ?? 0);
    assertHolds(doubt === null || decides, 'what is guarded or unknown is never run without a decision');
    assertHolds(answer.recovering === (doubt !== null), 'recovering is said where somebody has to find out');
    assertHolds(
      answer.takeover === (doubt !== null || this.#owner !== null),
      'takeover is said after an abandoned attempt',
    );
    assertHolds(
      answer.fingerprintBound === (this.#fingerprint !== null),
      'bound is said where an earlier attempt had a payload',
    );
    assertHolds(answer.guarded === (request.onAbandoned !== 'rerun'), 'guarded is what the running attempt asked for');
    assertHolds(answer.fencingToken > this.#fencingToken, 'fencing tokens strictly grow');
    assertHolds(answer.attempt === this.#attempt + 1, 'attempts are counted');
    const inherits = isDeepStrictEqual(answer.steps, this.#steps);
    assertHolds(
      inherits,
      'an attempt inherits every step that was not decided about, of each the first bytes of the highest seq',
    );
  }

  #run(answer: Acquired, request: AcquireRequest): void {
    const { ownerToken, fingerprint } = request;
    const { fencingToken, guarded, recovering, fingerprintBound, attempt } = answer;
    this.#lastToken = ownerToken;
    this.#terms = request;
    this.#owner = {
      ownerToken: ownerToken,
      fencingToken: fencingToken,
      guarded,
      recovering,
      fingerprintBound: fingerprintBound,
      flags: flagsOf(answer),
      end: 0,
    };
    this.#extend(this.#owner, answer.leaseEndAt, request);
    [this.#unknown, this.#decided, this.#fencingToken, this.#attempt] = [null, null, fencingToken, attempt];
    this.#fingerprint ??= fingerprint;
  }

  #owned(delivered: OwnerDelivered): void {
    const { answer, before, after } = delivered;
    assertHolds(answer.kind !== 'restored', 'nothing is restored that was not lost');
    const by = delivered.verb === 'release' ? delivered.holder : delivered.lease;
    const byToken = delivered.verb === 'release' && delivered.how.as === 'not_started';
    const owner = this.#owner;
    if (owner !== null && owner.ownerToken === by.ownerToken && (byToken || owner.fencingToken === by.fencingToken)) {
      assertHolds(answer.kind === 'ok', 'an owner that nobody succeeded is served');
      this.#served(delivered, owner);
    } else {
      assertHolds(before === after, 'nobody but the owner changes anything');
    }
  }

  #served(delivered: OwnerDelivered, owner: Owner): void {
    const { now, after } = delivered;
    switch (delivered.verb) {
      case 'renew': {
        const end = after?.leaseEndAt ?? 0;
        const least = Math.max(owner.end, now + delivered.leaseMs);
        assertHolds(end >= least, 'renew gives what was asked, and no less than before');
        this.#extend(owner, end, delivered.lease);
        break;
      }
      case 'checkpoint': {
        const { step, seq, bytes } = delivered.point;
        if (seq > (this.#steps.get(step)?.seq ?? -1)) this.#steps.set(step, { seq, bytes });
        break;
      }
      case 'complete':
        this.#complete(delivered.completion, delivered.lease.recordTtlMs, now, owner.recovering);
        break;
      case 'release': {
        const { how, holder } = delivered;
        const unknown = how.as === 'unknown' || (how.as === 'not_started' && owner.recovering);
        const retryAfterMs = how.as === 'unknown' ? how.retryAfterMs : null;
        this.#owner = null;
        this.#unknown = unknown ? { retryAt: retryAfterMs === null ? 0 : now + retryAfterMs } : null;
        this.#livesUntil = Math.max(this.#livesUntil, now + lifeMs(holder, unknown));
        if (unknown || this.#steps.size > 0) break;
        this.#livesUntil = Math.min(this.#livesUntil, Math.max(now + restoreWindowMs, owner.end));
        if (how.as === 'retryable' && how.unbindFingerprint === true && !owner.fingerprintBound)
          this.#fingerprint = null;
        break;
      }
    }
  }

  #resolve({ answer, request, before, after, now }: Extract<Delivered, { verb: 'resolve' }>): void {
    const doubtful = this.#unknown !== null || (this.#owner !== null && now >= this.#owner.end);
    if (!doubtful || request.expectedFencingToken !== this.#fencingToken) {
      assertHolds(before === after, 'nothing is decided that is not in doubt');
      const again = this.#decided?.fencingToken === request.expectedFencingToken && this.#decided.as === request.as;
      assertHolds((answer.kind === 'ok') === again, 'a decision sent again is ok, another one is not');
      return;
    }
    assertHolds(answer.kind === 'ok' && after !== null, 'what is in doubt can be decided');
    assertHolds(after.fencingToken > this.#fencingToken, 'a decision raises the fencing token');
    this.#fencingToken = after.fencingToken;
    this.#decided = { fencingToken: request.expectedFencingToken, as: request.as };
    this.#decisions = [...this.#decisions, request.expectedFencingToken].slice(-5);
    [this.#owner, this.#unknown] = [null, null];
    const outcomeTtlMs = Math.max(this.#terms.outcomeTtlMs, request.outcomeTtlMs ?? 0);
    const recordTtlMs = Math.max(this.#terms.recordTtlMs, request.recordTtlMs ?? 0, outcomeTtlMs);
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

  #extend(owner: Owner, end: number, terms: RecordRetention): void {
    owner.end = end;
    this.#livesUntil = Math.max(this.#livesUntil, end + lifeMs(terms, owner.guarded));
  }

  #doubt(now: number): { readonly retryAt: number } | null {
    const owner = this.#owner;
    return owner?.guarded && now >= owner.end ? { retryAt: 0 } : this.#unknown;
  }

  #differs({ fingerprint }: AcquireRequest): boolean {
    return fingerprint !== null && this.#fingerprint !== null && fingerprint !== this.#fingerprint;
  }
}

function lifeMs(terms: RecordRetention, doubtful: boolean): number {
  return doubtful ? Math.max(terms.recordTtlMs, terms.unknownTtlMs) : terms.recordTtlMs;
}

function flagsOf({ attempt, fencingToken, takeover, recovering, guarded, fingerprintBound }: Acquired): string {
  return [attempt, fencingToken, takeover, recovering, guarded, fingerprintBound].join(' ');
}
