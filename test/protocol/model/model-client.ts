// A client of the model. It uses one owner token as the engine does, loses replies, pauses, repeats messages, and gives up.
import {
  type AcquireRequest,
  attemptFacts,
  type Lease,
  restoreWindowMs,
} from '../../../packages/core/src/protocol/index.js';
import type { Delivered, Message } from './message.js';
import type { ModelRandom } from './mulberry.js';

/** `finishing`: the client repeats its last message until it gets a reply. */
type ClientPhase = 'acquiring' | 'running' | 'finishing' | 'finished';

export class ModelClient {
  phase: ClientPhase = 'acquiring';
  #request: AcquireRequest;
  #lease: Lease | null = null;
  #began = false;
  #end: Message | null = null;
  /** The same in every repetition of complete. Otherwise a late one could restore a record that the first one had already written. */
  #notAfter: number | null = null;

  constructor(
    private readonly random: ModelRandom,
    ownerToken: string,
    lastSeenFencingToken: number,
    recordTtlMs: number,
    /** The unit of time, in milliseconds. With a long unit, an hour is shorter than the retention. */
    private readonly unit: number,
  ) {
    const unknownTtlMs = (random.chance(70) ? 150 : 20) * unit;
    const retention = { recordTtlMs, outcomeTtlMs: 20 * unit, unknownTtlMs };
    this.#request = {
      ...retention,
      ownerToken,
      fingerprint: random.chance(80) ? 'v1:a' : random.chance(50) ? 'v1:b' : null,
      leaseMs: (random.chance(70) ? 20 : 10) * unit,
      onAbandoned: random.pick(['rerun', 'block', 'recover'] as const) ?? 'rerun',
      notAfter: 0,
      lastSeenFencingToken,
      operation: random.chance(80) ? 'pay' : 'refund',
      label: random.chance(50) ? `label of ${ownerToken}` : null,
      traceparent: random.chance(50) ? `trace of ${ownerToken}` : null,
    };
  }

  /** The next message of this client, or null if it has none. */
  nextMessage(now: number): Message | null {
    switch (this.phase) {
      case 'acquiring':
        return this.random.chance(15) ? this.#abandon() : this.#sendAcquire(now);
      case 'running':
        return this.#lease === null ? null : this.#sendOwnerMessage(this.#lease, now);
      case 'finishing':
        // Sometimes it sends another message, which no client should do. That must change nothing either.
        return this.#lease !== null && this.random.chance(15) ? this.#sendOwnerMessage(this.#lease, now) : this.#end;
      case 'finished':
        return null;
    }
  }

  /** Handles a reply. Not every reply arrives. */
  onDelivered(delivered: Delivered): void {
    if (delivered.verb === 'acquire' && this.phase === 'acquiring') this.#onAcquired(delivered);
    else if (delivered.verb === 'renew' && this.phase === 'running') this.#onRenewed(delivered);
    else if (this.phase === 'finishing' && delivered.reply.kind !== 'gone') this.phase = 'finished';
  }

  #sendAcquire(now: number): Message {
    this.#request = { ...this.#request, notAfter: now + 20 * this.unit };
    return { verb: 'acquire', request: this.#request };
  }

  /** Gives this owner token up, and releases the lease that may still be granted to it. */
  #abandon(): Message {
    const { ownerToken, recordTtlMs, outcomeTtlMs, unknownTtlMs } = this.#request;
    const holder = { key: 'k', ownerToken, fencingToken: null, recordTtlMs, outcomeTtlMs, unknownTtlMs };
    return this.#finish({ verb: 'release', holder, request: { as: 'not_started' } });
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
      return {
        verb: 'checkpoint',
        lease,
        checkpoint: { step: random.chance(70) ? 'a' : 'b', seq: random.below(3), bytes },
      };
    }
    this.#notAfter ??= Math.min(now, lease.leaseEndAt) + Math.min(lease.recordTtlMs, restoreWindowMs);
    return this.#finish(this.#sendLastMessage(lease, this.#notAfter));
  }

  #sendLastMessage(lease: Lease, notAfter: number): Message {
    const { random } = this;
    const dice = random.below(100);
    if (!this.#began && dice < 20) return { verb: 'release', holder: lease, request: { as: 'not_started' } };
    this.#began = true;
    if (dice < 35)
      return { verb: 'release', holder: lease, request: { as: 'retryable', unbindFingerprint: random.chance(50) } };
    if (dice < 55) {
      const retryAfterMs = random.chance(50) ? 15 * this.unit : null;
      return { verb: 'release', holder: lease, request: { as: 'unknown', retryAfterMs, note: 'n' } };
    }
    const outcome = random.chance(85) ? Buffer.from(`${lease.ownerToken} paid ${random.below(1_000)}`) : null;
    return { verb: 'complete', lease, completion: { outcome, outcomeTtlMs: lease.outcomeTtlMs, note: null, notAfter } };
  }

  #finish(end: Message): Message {
    this.phase = 'finishing';
    this.#end = end;
    return end;
  }

  #onAcquired({ reply, request }: Extract<Delivered, { verb: 'acquire' }>): void {
    if (reply.kind === 'acquired') {
      const { ownerToken, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs } = request;
      const facts = { ...attemptFacts(reply), leaseEndAt: reply.leaseEndAt };
      this.#lease = { key: 'k', ownerToken, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs, ...facts };
      this.phase = 'running';
    } else if (reply.kind === 'superseded') {
      this.#abandon();
    } else if (reply.kind !== 'in_progress' && reply.kind !== 'outcome_unknown') {
      this.phase = 'finished';
    }
  }

  #onRenewed({ reply }: Extract<Delivered, { verb: 'renew' }>): void {
    if (reply.kind === 'lost' || reply.kind === 'gone') this.phase = 'finished';
    else if (this.#lease !== null) this.#lease = { ...this.#lease, leaseEndAt: reply.leaseEndAt };
  }
}
