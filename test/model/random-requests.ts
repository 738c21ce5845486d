// Random requests on one key: few tokens and payloads and short times, so that all combinations occur.
import type {
  AcquireReply,
  AcquireRequest,
  Checkpoint,
  Completion,
  Lease,
  LeaseIdentity,
  ReleaseRequest,
  ResolveRequest,
} from '../../packages/core/src/protocol/messages.js';
import { attemptFacts, type StoredRecord } from '../../packages/core/src/protocol/record.js';
import type { Random } from './seeded-random.js';

const tokens = ['ann', 'bob', 'cid', 'dan'];
const fingerprints = [...Array<string>(12).fill('v1:a'), null, null, 'v1:b', 'v2:a'];
const notes = [null, 'a note', 'ñøté ✓'];
const outcomes = [null, Buffer.alloc(0), Buffer.from([0, 255, 13, 10]), Buffer.from('{"paid":true}')];

/** The knowledge of a user of this key: the store's clock, and the granted leases. */
export class RandomRequests {
  readonly #random: Random;
  readonly #key: string;
  readonly #leases: Lease[] = [];
  /** The store's clock, by its last reply. */
  now = Date.now();

  constructor(random: Random, key: string) {
    this.#random = random;
    this.#key = key;
  }

  acquire(): AcquireRequest {
    const random = this.#random;
    return {
      ownerToken: random.pick(tokens),
      fingerprint: random.pick(fingerprints),
      leaseMs: this.#shortMs(),
      onAbandoned: random.pick(['rerun', 'block', 'recover']),
      notAfter: this.#time(),
      // Sometimes a token of 15 digits, beyond which Lua formats numbers differently.
      lastSeenFencingToken: random.chance(0.01) ? random.integer(9e14, 9.9e14) : random.pick([0, 0, 0, this.now + 50]),
      notifyOnEnd: random.chance(0.5),
      ...this.#description(),
      ...this.#terms(),
    };
  }

  learn(request: AcquireRequest, reply: AcquireReply): void {
    if (reply.kind !== 'acquired') return;
    const { ownerToken, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs } = request;
    const lease = {
      key: this.#key,
      ownerToken: ownerToken,
      fingerprint,
      recordTtlMs,
      outcomeTtlMs,
      unknownTtlMs,
      leaseEndAt: reply.leaseEndAt,
    };
    this.#leases.push({ ...lease, ...attemptFacts(reply) });
    if (this.#leases.length > 3) this.#leases.shift();
  }

  /** Mostly the lease granted last; sometimes with a fencing token or an end that was never granted. */
  lease(): Lease {
    const random = this.#random;
    const newest = random.chance(0.6) ? this.#leases.at(-1) : random.pick([...this.#leases, this.#strangersLease()]);
    const known = newest ?? this.#strangersLease();
    if (random.chance(0.85)) return known;
    const change = random.pick([
      { fencingToken: Math.max(0, known.fencingToken + random.pick([-1, 1, 1000])) },
      { leaseEndAt: this.#time() },
      { ownerToken: random.pick(tokens) },
    ]);
    return { ...known, ...change, ...this.#terms() };
  }

  leaseMs(): number {
    return this.#shortMs();
  }

  checkpoint(): Checkpoint {
    const step = this.#random.pick(['charge', ':']);
    return { step, seq: this.#random.integer(0, 2), bytes: this.#random.pick(outcomes) ?? Buffer.from('12:34') };
  }

  complete(lease: Lease): Completion {
    return { ...this.#outcome(lease.recordTtlMs), notAfter: this.#time() };
  }

  release(): { holder: LeaseIdentity; how: ReleaseRequest } {
    const { key, ownerToken, fencingToken, recordTtlMs, outcomeTtlMs, unknownTtlMs } = this.lease();
    const retryAfterMs = this.#random.pick([null, 0, this.#shortMs(), this.#shortMs()]);
    const how = this.#random.pick<ReleaseRequest>([
      { as: 'retryable' },
      { as: 'retryable', unbindFingerprint: true },
      { as: 'unknown', retryAfterMs, note: this.#random.pick(notes) },
      { as: 'not_started' },
    ]);
    const learnt = how.as !== 'not_started' || this.#random.chance(0.5);
    return {
      holder: { key, ownerToken, fencingToken: learnt ? fencingToken : null, recordTtlMs, outcomeTtlMs, unknownTtlMs },
      how,
    };
  }

  /** A decision by someone who has read the record before, or who decides again. */
  resolve(record: StoredRecord | null): ResolveRequest {
    const seen = this.#random.chance(0.4) ? record?.decisions.at(-1)?.fencingToken : record?.fencingToken;
    const { recordTtlMs, outcomeTtlMs } = this.#terms();
    return {
      recordTtlMs: this.#random.chance(0.5) ? recordTtlMs : null,
      outcomeTtlMs: this.#random.chance(0.5) ? outcomeTtlMs : null,
      outcome: this.#random.pick(outcomes),
      note: this.#random.pick(notes),
      expectedFencingToken: seen ?? this.lease().fencingToken,
      as: this.#random.pick(['done', 'not_done']),
      by: this.#random.pick(['an "operator"', 'Ben']),
      reason: this.#random.pick(['asked the bank', 'line\nbreak ✓']),
    };
  }

  #outcome(recordTtlMs: number) {
    const outcomeTtlMs = this.#random.chance(0.5) ? recordTtlMs : this.#random.integer(1, recordTtlMs);
    return { outcome: this.#random.pick(outcomes), outcomeTtlMs, note: this.#random.pick(notes) };
  }

  #strangersLease(): Lease {
    const flag = () => this.#random.chance(0.5);
    return {
      key: this.#key,
      ownerToken: this.#random.pick(tokens),
      fingerprint: this.#random.pick(fingerprints),
      fencingToken: this.now + this.#random.integer(-100, 100),
      attempt: this.#random.integer(1, 3),
      takeover: flag(),
      recovering: flag(),
      guarded: flag(),
      fingerprintBound: flag(),
      leaseEndAt: this.#time(),
      firstAcquiredAt: this.now - this.#random.integer(0, 100),
      acquiredAt: this.now - this.#random.integer(0, 100),
      ...this.#description(),
      ...this.#terms(),
    };
  }

  #description() {
    return {
      operation: this.#random.pick(['POST /payments', 'créer ✓', 'a "quoted" name']),
      label: this.#random.pick([null, 'order 17', ' ✓ ']),
      traceparent: this.#random.pick([
        null,
        `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01`,
        `00-${'b'.repeat(32)}-${'2'.repeat(16)}-00`,
      ]),
    };
  }

  #terms() {
    const ttlMs = () => this.#random.pick([this.#shortMs(), this.#shortMs(), 300, 30_000, 8_000_000]);
    const recordTtlMs = ttlMs();
    return { recordTtlMs, outcomeTtlMs: Math.min(recordTtlMs, ttlMs()), unknownTtlMs: ttlMs() };
  }

  #shortMs(): number {
    return this.#random.pick([1, this.#random.integer(1, 10), this.#random.integer(1, 60), 1_000]);
  }

  #time(): number {
    return Math.max(0, this.now + this.#random.pick([-20, this.#random.integer(0, 8), 60, 100_000, 100_000]));
  }
}
