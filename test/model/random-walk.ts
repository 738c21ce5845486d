// A random walk on one key of a store, beside the pure protocol: every reply and the records must be equal.
import { inspect, isDeepStrictEqual } from 'node:util';
import { StoreError } from '../../packages/core/src/errors.js';
import * as protocol from '../../packages/core/src/protocol/index.js';
import type { StoredRecord } from '../../packages/core/src/protocol/record.js';
import type { IdempotencyStore } from '../../packages/core/src/store/port.js';
import { RandomRequests } from './random-requests.js';
import { Random } from './seeded-random.js';
import type { StoredData } from './stored-data.js';

interface OlderCopy {
  readonly model: StoredRecord;
  readonly data: unknown;
}

export class ModelDifference extends Error {}

export interface WalkOptions {
  readonly store: IdempotencyStore;
  /** For what no verb does: losing data. */
  readonly data: StoredData;
  readonly seed: number;
  /** Called with each reply, for instance `complete lost in_progress`. */
  onReply(what: string): void;
}

class Walk {
  readonly #options: WalkOptions;
  readonly #random: Random;
  readonly #key: string;
  readonly #requests: RandomRequests;
  #model: StoredRecord | null = null;
  #older: OlderCopy | null = null;

  constructor(options: WalkOptions, index: number) {
    this.#options = options;
    this.#random = new Random(options.seed + index);
    this.#key = `key-${index}`;
    this.#requests = new RandomRequests(this.#random, this.#key);
  }

  /** One verb, whose replies are compared; sometimes also the stored record, or a loss of data. */
  async step(): Promise<void> {
    if (this.#random.chance(0.03)) await this.#loseData();
    try {
      await this.#randomVerb();
      if (this.#random.chance(0.25)) await this.#compareRecord();
    } catch (error) {
      // A reply that cannot be read at all differs from the protocol too.
      if (error instanceof StoreError && (error.class === 'bug' || error.class === 'damaged'))
        throw new ModelDifference(error.message, { cause: error });
      throw error;
    }
  }

  #randomVerb(): Promise<void> {
    const roll = this.#random.integer(1, 100);
    if (roll <= 38) return this.#acquire();
    if (roll <= 50) return this.#renew();
    if (roll <= 63) return this.#checkpoint();
    if (roll <= 73) return this.#complete();
    if (roll <= 88) return this.#release();
    if (roll <= 97) return this.#resolve();
    return this.#remove();
  }

  async #acquire(): Promise<void> {
    const request = this.#requests.acquire();
    const reply = await this.#options.store.acquire(this.#key, request);
    this.#compare('acquire', { request }, reply, (record, now) => protocol.acquire(record, request, now));
    this.#requests.learn(request, reply);
    if (reply.kind !== 'acquired') return this.#reportReply('acquire', reply.kind);
    const how = reply.recovering ? ' recovering' : reply.takeover ? ' takeover' : '';
    this.#reportReply('acquire', `acquired${how}${reply.steps.size > 0 ? ' with steps' : ''}`);
  }

  async #renew(): Promise<void> {
    const [lease, leaseMs] = [this.#requests.lease(), this.#requests.leaseMs()];
    const reply = await this.#options.store.renew(lease, leaseMs);
    this.#compare('renew', { lease, leaseMs }, reply, (record, now) => protocol.renew(record, lease, leaseMs, now));
    this.#reportReply('renew', reply.kind);
  }

  async #checkpoint(): Promise<void> {
    const [lease, point] = [this.#requests.lease(), this.#requests.checkpoint()];
    const reply = await this.#options.store.checkpoint(lease, point);
    this.#compare('checkpoint', { lease, point }, reply, (record, now) =>
      protocol.checkpoint(record, lease, point, now),
    );
    this.#reportReply('checkpoint', reply.kind);
  }

  async #complete(): Promise<void> {
    const lease = this.#requests.lease();
    const completion = this.#requests.complete(lease);
    const reply = await this.#options.store.complete(lease, completion);
    this.#compare('complete', { lease, completion }, reply, (record, now) =>
      protocol.complete(record, lease, completion, now),
    );
    this.#reportReply('complete', reply.kind, reply.kind === 'lost' ? reply.standing.kind : undefined);
  }

  async #release(): Promise<void> {
    const { holder, how } = this.#requests.release();
    const reply = await this.#options.store.release(holder, how);
    this.#compare('release', { holder, how }, reply, (record, now) => protocol.release(record, holder, how, now));
    this.#reportReply('release', reply.kind);
  }

  async #resolve(): Promise<void> {
    const request = this.#requests.resolve(this.#model);
    const reply = await this.#options.store.resolve(this.#key, request);
    this.#compare('resolve', { request }, reply, (record, now) => protocol.resolve(record, request, now));
    this.#reportReply('resolve', reply.kind, reply.kind === 'conflict' ? reply.standing.kind : undefined);
  }

  async #remove(): Promise<void> {
    const reply = await this.#options.store.remove(this.#key);
    this.#compare('remove', {}, reply, (record, now) => ({ record: protocol.remove(record, now), reply: { now } }));
    this.#reportReply('remove', 'ok');
  }

  async #compareRecord(): Promise<void> {
    const { now, record } = await this.#options.store.read(this.#key);
    const model = this.#standing(now);
    const shown = protocol.isLive(model, now) ? model : null;
    const expected = shown && { ...shown, outcome: now < shown.outcomeEndAt ? shown.outcome : null };
    if (!areEqual(record, expected)) throw this.#difference('read', { now }, record, expected);
    const { data } = this.#options;
    if (record === null || !protocol.mayComeIntoDoubt(record) || data.findIndexFault === undefined) return;
    const fault = await data.findIndexFault(this.#key, record);
    if (fault !== null) throw this.#difference('index', { leaseEndAt: record.leaseEndAt }, fault, null);
  }

  /** What a failover, an eviction or a restored backup does: it loses everything, or only a part, or the last writes. */
  async #loseData(): Promise<void> {
    const { data } = this.#options;
    const roll = this.#random.next();
    if (roll < 0.15) {
      await data.lose(this.#key, this.#random);
      this.#model = null;
    } else if (roll < 0.25) {
      if (data.losePart !== undefined && this.#model !== null)
        this.#model = await data.losePart(this.#key, this.#model);
    } else if (roll < 0.65) {
      const copy = await data.save(this.#key);
      this.#older = this.#model && (copy === null ? null : { model: this.#model, data: copy });
    } else if (this.#older !== null) {
      await data.restore(this.#key, this.#older.data, this.#older.model);
      this.#model = this.#older.model;
    }
  }

  #compare<Reply extends protocol.TimestampedReply>(
    verb: string,
    call: object,
    reply: Reply,
    pure: (record: StoredRecord | null, now: number) => protocol.Transition<Reply>,
  ): void {
    const before = this.#standing(reply.now);
    const expected = pure(before, reply.now);
    if (!areEqual(reply, expected.reply)) {
      throw this.#difference(verb, { ...call, before }, reply, expected.reply);
    }
    this.#model = expected.record;
    this.#requests.now = reply.now;
  }

  #standing(now: number): StoredRecord | null {
    return this.#model !== null && now > this.#model.expiresAt + this.#options.data.recordGraceMs ? null : this.#model;
  }

  #reportReply(verb: string, ...what: (string | undefined)[]): void {
    this.#options.onReply([verb, ...what.filter((word) => word !== undefined)].join(' '));
  }

  #difference(verb: string, call: object, reply: unknown, expected: unknown): ModelDifference {
    const { seed } = this.#options;
    const details = inspect({ call, reply, expected }, { depth: 6 });
    return new ModelDifference(`${verb} on ${this.#key} differs from the protocol, seed ${seed}:\n${details}`);
  }
}

/** Walks on many keys at once, with so many steps in total. Throws at the first difference. */
export async function walkAll(options: WalkOptions, keys: number, steps: number): Promise<void> {
  let left = steps;
  const walkOne = async (index: number) => {
    const walk = new Walk(options, index);
    try {
      while (left-- > 0) await walk.step();
    } finally {
      left = 0;
    }
  };
  const walks = await Promise.allSettled(Array.from({ length: keys }, (_, index) => walkOne(index)));
  const failed = walks.find((walk) => walk.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Bytes are equal whatever the class that a driver returns them in. */
function areEqual(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(one, other) || isDeepStrictEqual(withBuffers(one), withBuffers(other));
}

function withBuffers(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (value instanceof Map) return new Map([...value].map(([name, entry]) => [name, withBuffers(entry)]));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withBuffers(member)]));
}
