// The verbs of the Redis store, one call at a time: the round trip, and what of it Redis took.
import { randomUUID } from 'node:crypto';
import { listDoubts } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import type { AcquireRequest, Lease } from '@onceguard/core/store';
import { Bench } from 'tinybench';
import type { MicroTask } from '../report/results.js';
import type { BenchEnvironment } from '../run/bench-environment.js';
import { resultsOf } from './tasks.js';

const dayMs = 86_400_000;
const terms = { recordTtlMs: dayMs, outcomeTtlMs: dayMs, unknownTtlMs: 400 * dayMs };
const calls = 2_000;
const outcome = Buffer.alloc(360, 'o');

export async function verbTasks(environment: BenchEnvironment): Promise<MicroTask[]> {
  const store = await RedisStore.connect(environment.storeLocation.redisUrl);
  const verbs = new Verbs(store);
  const tasks: MicroTask[] = [];
  try {
    for (const [name, prepare] of verbs.all()) {
      const call = await prepare();
      const origins = await environment.redis.originsDuring(call);
      const bench = new Bench({ iterations: calls, time: 0, warmup: false });
      bench.add(name, call);
      await environment.redis.resetCounters();
      await bench.run();
      const { micros } = await environment.redis.cost(origins);
      tasks.push(
        ...resultsOf(bench).map((task) => ({ ...task, redisMicros: Number((micros / calls).toPrecision(3)) })),
      );
    }
  } finally {
    await store.close();
  }
  return tasks;
}

type Call = () => Promise<void>;

class Verbs {
  readonly #store: RedisStore;

  constructor(store: RedisStore) {
    this.#store = store;
  }

  /** What each needs is made before it is measured. */
  all(): [name: string, prepare: () => Promise<Call>][] {
    const store = this.#store;
    return [
      ['acquire, fresh', async () => async () => void (await this.#acquire(randomUUID()))],
      ['acquire, fresh and guarded', async () => async () => void (await this.#acquire(randomUUID(), 'block'))],
      ['acquire, replay', async () => await this.#replay()],
      ['complete', async () => await this.#withLeases(async (lease) => await this.#complete(lease))],
      ['complete, guarded', async () => await this.#withLeases(async (lease) => await this.#complete(lease), 'block')],
      ['list of three doubts', async () => await this.#threeDoubts()],
      ['renew', async () => await this.#withLeases(async (lease) => void (await store.renew(lease, 30_000)))],
      [
        'checkpoint',
        async () => {
          const point = { step: 'charge', seq: 2, bytes: Buffer.alloc(40, 's') };
          return await this.#withLeases(async (lease) => void (await store.checkpoint(lease, point)));
        },
      ],
    ];
  }

  async #replay(): Promise<Call> {
    const key = randomUUID();
    await this.#complete(await this.#acquire(key));
    return async () => {
      const { kind } = await this.#store.acquire(key, request(randomUUID()));
      if (kind !== 'completed') throw new Error(`A replay was answered ${kind}`);
    };
  }

  async #threeDoubts(): Promise<Call> {
    for (let count = 0; count < 3; count += 1) {
      const lease = await this.#acquire(randomUUID(), 'block');
      await this.#store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
    }
    return async () => {
      const { doubts } = await listDoubts(this.#store);
      if (doubts.length < 3) throw new Error(`${doubts.length} doubts are listed`);
    };
  }

  async #withLeases(
    call: (lease: Lease) => Promise<void>,
    onAbandoned: AcquireRequest['onAbandoned'] = 'rerun',
  ): Promise<Call> {
    const leases: Lease[] = [];
    // One for the look at what it sends, and one in reserve.
    while (leases.length < calls + 2) leases.push(await this.#acquire(randomUUID(), onAbandoned));
    return async () => {
      const lease = leases.pop();
      if (lease === undefined) throw new Error('More calls than leases');
      await call(lease);
    };
  }

  async #acquire(key: string, onAbandoned: AcquireRequest['onAbandoned'] = 'rerun'): Promise<Lease> {
    const asked = { ...request(randomUUID()), onAbandoned };
    const answer = await this.#store.acquire(key, asked);
    if (answer.kind !== 'acquired') throw new Error(`A fresh key was answered ${answer.kind}`);
    return { ...terms, ...answer, key, ownerToken: asked.ownerToken, fingerprint: asked.fingerprint };
  }

  async #complete(lease: Lease): Promise<void> {
    const completion = { outcome, outcomeTtlMs: dayMs, note: null, notAfter: Date.now() + dayMs };
    const { kind } = await this.#store.complete(lease, completion);
    if (kind !== 'ok') throw new Error(`complete was answered ${kind}`);
  }
}

function request(ownerToken: string): AcquireRequest {
  const fingerprint = `v1:${'f'.repeat(43)}`;
  const notAfter = Date.now() + 60_000;
  return {
    ...terms,
    ownerToken,
    fingerprint,
    leaseMs: 30_000,
    onAbandoned: 'rerun',
    notAfter,
    lastSeenFencingToken: 0,
    operation: 'POST /payments',
    label: null,
    traceparent: null,
  };
}
