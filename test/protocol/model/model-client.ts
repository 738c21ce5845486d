// A client of the model: one token, used as the engine uses it. It loses replies, pauses, repeats, and gives up.
import { type AcquireRequest, type Lease, restoreWindowMs } from '../../../packages/core/src/protocol/index.js';
import type { Delivered, Message } from './message.js';
import type { ModelRandom } from './mulberry.js';

/** `asking`: wants to run. `owner`: runs. `ending`: repeats its last message until it is answered. */
type ClientPhase = 'asking' | 'owner' | 'ending' | 'over';

export class ModelClient {
  phase: ClientPhase = 'asking';
  #request: AcquireRequest;
  #lease: Lease | null = null;
  #began = false;
  #end: Message | null = null;
  /** Of complete: the same in every repetition, or a late one would outlive the record that the first one wrote. */
  #notAfter: number | null = null;

  constructor(
    private readonly random: ModelRandom,
    ownerToken: string,
    lastSeenFencingToken: number,
    recordTtlMs: number,
    /** How long a unit of time is: with long ones, what lasts an hour at most is shorter than the terms say. */
    private readonly unit: number,
  ) {
    const unknownTtlMs = (random.chance(70) ? 150 : 20) * unit;
    const terms = { recordTtlMs, outcomeTtlMs: 20 * unit, unknownTtlMs };
    this.#request = {
      ...terms,
      ownerToken,
      fingerprint: random.chance(80) ? 'v1:a' : random.chance(50) ? 'v1:b' : null,
      leaseMs: (random.chance(70) ? 20 : 10) * unit,
      onAbandoned: random.pick(['rerun', 'block', 'recover'] as const) ?? 'rerun',
      notAfter: 0,
      lastSeenFencingToken,
    };
  }

  /** What this client sends next, or null if it has nothing to say. */
  nextMessage(now: number): Message | null {
    switch (this.phase) {
      case 'asking':
        return this.random.chance(15) ? this.#abandon() : this.#sendAcquire(now);
      case 'owner':
        return this.#lease === null ? null : this.#sendOwnerMessage(this.#lease, now);
      case 'ending':
        // Now and then out of turn, as no client should: that must change nothing either.
        return this.#lease !== null && this.random.chance(15) ? this.#sendOwnerMessage(this.#lease, now) : this.#end;
      case 'over':
        return null;
    }
  }

  /** Hears an answer; not every answer arrives. */
  onDelivered(delivered: Delivered): void {
    if (delivered.verb === 'acquire' && this.phase === 'asking') this.#onAcquired(delivered);
    else if (delivered.verb === 'renew' && this.phase === 'owner') this.#onRenewed(delivered);
    else if (this.phase === 'ending' && delivered.answer.kind !== 'gone') this.phase = 'over';
  }

  #sendAcquire(now: number): Message {
    this.#request = { ...this.#request, notAfter: now + 20 * this.unit };
    return { verb: 'acquire', request: this.#request };
  }

  /** Never asks with this token again, and takes back what may still be granted. */
  #abandon(): Message {
    const { ownerToken, recordTtlMs, outcomeTtlMs, unknownTtlMs } = this.#request;
    const holder = { key: 'k', ownerToken: ownerToken, fencingToken: null, recordTtlMs, outcomeTtlMs, unknownTtlMs };
    return this.#finish({ verb: 'release', holder, how: { as: 'not_started' } });
  }

  #sendOwnerMessage(lease: Lease, now: number): Message {
    const { random } = this;
    const dice = random.below(100);
    if (dice < 35) {
      this.#began = true;
      return { verb: 'renew', lease, leaseMs: (random.chance(70) ? 20 : 5) * this.unit };
    }
    if (dice < 65) {
      this.#began = true;
      const bytes = Buffer.from(`${lease.ownerToken} ${random.below(1_000)}`);
      return { verb: 'checkpoint', lease, point: { step: random.chance(70) ? 'a' : 'b', seq: random.below(3), bytes } };
    }
    this.#notAfter ??= Math.min(now, lease.leaseEndAt) + Math.min(lease.recordTtlMs, restoreWindowMs);
    return this.#finish(this.#sendLastMessage(lease, this.#notAfter));
  }

  #sendLastMessage(lease: Lease, notAfter: number): Message {
    const { random } = this;
    const dice = random.below(100);
    if (!this.#began && dice < 20) return { verb: 'release', holder: lease, how: { as: 'not_started' } };
    this.#began = true;
    if (dice < 35)
      return { verb: 'release', holder: lease, how: { as: 'retryable', unbindFingerprint: random.chance(50) } };
    if (dice < 55) {
      const retryAfterMs = random.chance(50) ? 15 * this.unit : null;
      return { verb: 'release', holder: lease, how: { as: 'unknown', retryAfterMs, note: 'n' } };
    }
    const outcome = random.chance(85) ? Buffer.from(`${lease.ownerToken} paid ${random.below(1_000)}`) : null;
    return { verb: 'complete', lease, completion: { outcome, outcomeTtlMs: lease.outcomeTtlMs, note: null, notAfter } };
  }

  #finish(end: Message): Message {
    this.phase = 'ending';
    this.#end = end;
    return end;
  }

  #onAcquired({ answer, request }: Extract<Delivered, { verb: 'acquire' }>): void {
    if (answer.kind === 'acquired') {
      const { attempt, fencingToken, takeover, recovering, guarded, fingerprintBound, leaseEndAt } = answer;
      const { ownerToken, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs } = request;
      const facts = {
        attempt,
        fencingToken: fencingToken,
        takeover,
        recovering,
        guarded,
        fingerprintBound: fingerprintBound,
        leaseEndAt,
      };
      this.#lease = { key: 'k', ownerToken, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs, ...facts };
      this.phase = 'owner';
    } else if (answer.kind === 'superseded') {
      this.#abandon();
    } else if (answer.kind !== 'in_progress' && answer.kind !== 'outcome_unknown') {
      this.phase = 'over';
    }
  }

  #onRenewed({ answer }: Extract<Delivered, { verb: 'renew' }>): void {
    if (answer.kind === 'lost' || answer.kind === 'gone') this.phase = 'over';
    else if (this.#lease !== null) this.#lease = { ...this.#lease, leaseEndAt: answer.leaseEndAt };
  }
}
