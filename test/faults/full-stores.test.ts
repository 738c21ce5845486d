// Stores that are full, or accept no value of this size: work that is done stays done, whoever filled the store.
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import {
  drainStore,
  type Execution,
  executeIdempotently,
  type IdempotencyStore,
  MemoryStore,
  StoreError,
} from '@onceguard/core';
import type { RedisServer } from '@onceguard/testing';
import { describe, expect, test as plain } from 'vitest';
import { Random } from '../model/seeded-random.js';
import { test } from './lab.js';

const trials = 50;

/** One piece of work of a tenant, and how often it ran. */
class TenantWork {
  runs = 0;
  readonly #gate = new EventEmitter();
  readonly key = randomUUID();

  constructor(
    readonly store: IdempotencyStore,
    readonly tenant: string,
    readonly bytes: number,
  ) {}

  /** `untilOpened`: the work continues after `open` is called. `begun` resolves once it runs. */
  start({ untilOpened = false } = {}): { begun: Promise<unknown>; end: Promise<Execution<string>> } {
    const begun = once(this.#gate, 'begun');
    const opened = once(this.#gate, 'opened');
    const operation = async () => {
      this.runs += 1;
      this.#gate.emit('begun');
      if (untilOpened) await opened;
      // Neither compressible nor ASCII.
      return randomBytes(this.bytes).toString('latin1');
    };
    return { begun, end: executeIdempotently(operation, { store: this.store, scope: this.tenant, key: this.key }) };
  }

  open(): void {
    this.#gate.emit('opened');
  }

  async do(): Promise<Execution<string>> {
    return await this.start().end;
  }
}

/** New work of one tenant with results of random sizes, until the store rejects three times in a row. */
async function fillWithWork(store: IdempotencyStore, random: Random): Promise<void> {
  for (let refused = 0; refused < 3; ) {
    const work = new TenantWork(store, 'the greedy one', random.integer(0, 60_000));
    try {
      await work.do();
      refused = 0;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      expect(work.runs).toBe(0);
      refused += 1;
    }
  }
}

/**
 * Work of others begins, one tenant fills the store, and the others end: all of it is on record. Returns how many
 * results were not kept. `whenFull` runs before the others end, because their results may fill the room that the tenant
 * left.
 */
async function runTrial(store: IdempotencyStore, random: Random, whenFull = async () => {}): Promise<number> {
  const others = Array.from(
    { length: 6 },
    (_, at) => new TenantWork(store, `tenant ${at % 3}`, random.integer(0, 60_000)),
  );
  const earlier = new TenantWork(store, 'tenant 1', random.integer(0, 4_000));
  expect(await earlier.do()).toMatchObject({ kind: 'executed', recorded: true });
  const running = others.map((work) => work.start({ untilOpened: true }));
  await Promise.all(running.map(({ begun }) => begun));

  await fillWithWork(store, random);
  await whenFull();
  for (const work of others) work.open();

  for (const { end } of running) expect(await end).toMatchObject({ kind: 'executed', recorded: true });
  expect(await earlier.do()).toMatchObject({ kind: 'replayed' });
  let notKept = 0;
  for (const work of [...others, ...others]) {
    const { kind } = await work.do();
    expect(['replayed', 'expired']).toContain(kind);
    expect(work.runs).toBe(1);
    if (kind === 'expired') notKept += 1;
  }
  return notKept;
}

describe('A tenant that fills the store makes no work of others run again', () => {
  plain(`on a MemoryStore, where others still begin new work, in ${trials} trials`, async () => {
    const seed = randomInt(2 ** 31);
    const random = new Random(seed);
    let notKept = 0;
    for (let count = 0; count < trials; count += 1) {
      const store = new MemoryStore({ maxBytes: 400_000 + random.integer(0, 800_000) });
      try {
        notKept += await runTrial(store, random, async () => {
          const another = new TenantWork(store, 'tenant 9', 100);
          expect(await another.do()).toMatchObject({ kind: 'executed', recorded: true });
        });
      } catch (cause) {
        throw new Error(`seed ${seed}, trial ${count}`, { cause });
      }
    }
    expect(notKept, `seed ${seed}`).toBeGreaterThan(0);
  });

  test(`on a Redis with maxmemory and noeviction, in ${trials} trials`, async ({ lab }) => {
    const redis = await lab.redis();
    const store = await lab.connect(redis.url);
    const seed = randomInt(2 ** 31);
    const random = new Random(seed);
    let notKept = 0;
    for (let count = 0; count < trials; count += 1) {
      try {
        await redis.command('CONFIG', 'SET', 'maxmemory', 0);
        await redis.command('FLUSHALL');
        await redis.command(
          'CONFIG',
          'SET',
          'maxmemory',
          (await usedMemory(redis)) + 200_000 + random.integer(0, 800_000),
        );
        notKept += await runTrial(store, random);
      } catch (cause) {
        throw new Error(`seed ${seed}, trial ${count}`, { cause });
      }
    }
    expect(notKept, `seed ${seed}`).toBeGreaterThan(0);
  });
});

describe('While a Redis is full', () => {
  test('a lease is renewed, and a recorded result is replayed', async ({ lab }) => {
    const redis = await lab.redis();
    const store = await lab.connect(redis.url);
    const lost = lab.collectEvents('lease_lost');
    const before = new TenantWork(store, 'tests', 10);
    await before.do();
    const leaseMs = 3_000;
    const leaseEnd = async () => {
      const { records } = await store.scan({ cursor: null, limit: 100 });
      return Math.max(...records.map(({ record }) => record.leaseEndAt));
    };
    const untilRenewed = async () => {
      await fillRedis(redis);
      const firstEnd = await leaseEnd();
      await expect.poll(leaseEnd, { timeout: 60_000 }).toBeGreaterThan(firstEnd + 2 * leaseMs);
      return 'paid';
    };
    const options = { store, scope: 'tests', key: 'order', leaseMs };
    expect(await executeIdempotently(untilRenewed, options)).toMatchObject({ kind: 'executed', recorded: true });
    expect((await before.do()).kind).toBe('replayed');
    expect((await executeIdempotently(() => 'again', options)).kind).toBe('expired');
    expect(lost).toEqual([]);
  });

  test('a failure frees the key, or leaves the outcome unknown, and that is on record', async ({ lab }) => {
    const redis = await lab.redis();
    const store = await lab.connect(redis.url);
    const errors = lab.collectEvents('store_error');
    const failing = (key: string, onFailure: 'retry' | 'unknown') =>
      executeIdempotently(
        async () => {
          await fillRedis(redis);
          throw new Error('declined');
        },
        { store, scope: 'tests', key, onFailure },
      );
    for (const onFailure of ['retry', 'unknown'] as const) {
      await expect(failing(onFailure, onFailure)).rejects.toThrow('declined');
      await redis.command('CONFIG', 'SET', 'maxmemory', 0);
    }
    expect(errors).toEqual([]);
    const { records } = await store.scan({ cursor: null, limit: 1_000 });
    expect(records.map(({ record }) => record.state).sort()).toEqual(['retryable', 'unknown']);
  });
});

describe('A result that is larger than a Redis accepts', () => {
  test('is given to its caller, and a repeat learns that the work is done', async ({ lab }) => {
    const redis = await lab.redis({ args: ['--proto-max-bulk-len', '1mb'] });
    const store = await lab.connect(redis.url);
    const notKept = lab.collectEvents('outcome_not_kept');
    const work = async (bytes: number) => {
      const large = new TenantWork(store, 'tests', bytes);
      const call = () =>
        executeIdempotently(
          () => {
            large.runs += 1;
            return Buffer.alloc(bytes, 255);
          },
          { store, scope: 'tests', key: large.key, maxOutcomeBytes: 2 ** 24 },
        );
      return { first: await call(), repeat: await call(), runs: large.runs };
    };
    expect(await work(1_000_000)).toMatchObject({ first: { recorded: true }, repeat: { kind: 'replayed' }, runs: 1 });
    expect(await work(2_000_000)).toMatchObject({
      first: { kind: 'executed', recorded: true, value: expect.objectContaining({ length: 2_000_000 }) },
      repeat: { kind: 'expired' },
      runs: 1,
    });
    expect(notKept).toHaveLength(1);
    expect(await drainStore(store)).toBe(true);
  });
});

/** Fills it until it rejects every command that may need memory. */
async function fillRedis(redis: RedisServer): Promise<void> {
  await redis.command('CONFIG', 'SET', 'maxmemory', 1);
}

async function usedMemory(redis: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await redis.command('INFO', 'memory')))?.[1]);
}
