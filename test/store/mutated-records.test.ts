// Damages records in thousands of ways: none is replayed with a wrong value, and none runs again.
import { randomUUID } from 'node:crypto';
import { executeIdempotently, MemoryStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { FaultStore } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordKeys } from '../../packages/core/src/stores/redis/wire/scripts/record-layout.js';
import { Random } from '../model/seeded-random.js';
import { amountOf } from '../support/amounts.js';
import { redisUrl } from '../support/redis.js';
import { mutateBytes } from './byte-mutations.js';
import { endOfRepeat, leaveRecords, numbersByName, stepping } from './record-kinds.js';

const records = amountOf({ usual: 500, long: 2_000 });
const mutationsOfEach = amountOf({ usual: 40, long: 50 });
/** A failed run is repeated with the seed that its message names. */
const seed = Number(process.env.MUTATION_SEED ?? Math.floor(Math.random() * 1e9));
const prefix = `mutated:${randomUUID()}:`;

/** For raw reads and writes. */
let redis: Redis;
let client: Redis;
let store: RedisStore;

beforeAll(() => {
  redis = new Redis(redisUrl(), { enableAutoPipelining: true });
  client = new Redis(redisUrl());
  store = new RedisStore({ client, prefix, callTimeoutMs: 30_000 });
});

afterAll(async () => {
  const keys = await redis.keys(`${prefix}*`);
  if (keys.length > 0) await redis.unlink(...keys);
  redis.disconnect();
  client.disconnect();
});

test(`of ${records * mutationsOfEach} damaged records none is replayed with a wrong value, and none runs again`, async () => {
  const random = new Random(seed);
  const all = Array.from({ length: records }, (_, n) => n);
  await leaveRecords(store, all);
  const originals = await readAll();
  const names = [...originals.keys()];
  expect(names).toHaveLength(records);
  const numbers = await numbersOf(all);
  const classes = new Map<string, number>();
  for (let round = 0; round < mutationsOfEach; round += 1) {
    await Promise.all(
      names.map((name) => damage(name, originals, originals.get(random.pick(names)) ?? noBytes, random)),
    );
    await Promise.all(
      names.map(async (name) => {
        const end = await endOfRepeat(store, numbers.get(name) ?? 0, round % 2 === 0);
        classes.set(end, (classes.get(end) ?? 0) + 1);
      }),
    );
    await Promise.all(names.map((name) => write(name, originals.get(name) ?? noBytes)));
  }
  expect(Object.fromEntries(classes), `seed ${seed}`).toEqual({
    damaged: expect.any(Number),
    // The mark at the beginning was damaged: the key looks like a foreign one, or like a record of another layout.
    bug: expect.any(Number),
    misconfigured: expect.any(Number),
    'the right answer': expect.any(Number),
  });
  expect(classes.get('damaged')).toBeGreaterThan(0.6 * records * mutationsOfEach);
  expect([...classes.values()].reduce((sum, count) => sum + count, 0)).toBe(records * mutationsOfEach);
}, 600_000);

interface StoredBytes {
  readonly record: Buffer;
  readonly side: Buffer | null;
  readonly steps: Readonly<Record<string, Buffer>>;
}

const noBytes: StoredBytes = { record: Buffer.alloc(0), side: null, steps: {} };

async function readAll(): Promise<Map<string, StoredBytes>> {
  const names = (await redis.keys(`${prefix}*`)).filter((name) => !/:(more|open)$/.test(name)).sort();
  const raws = names.map(async (name) => {
    const record = (await redis.getBuffer(name)) ?? Buffer.alloc(0);
    const type = await redis.type(`${name}:more`);
    const side = type === 'string' ? await redis.getBuffer(`${name}:more`) : null;
    const steps = type === 'hash' ? await redis.hgetallBuffer(`${name}:more`) : {};
    return [name, { record, side, steps }] as const;
  });
  return new Map(await Promise.all(raws));
}

/** Which number has the record under which key. */
async function numbersOf(all: readonly number[]): Promise<Map<string, number>> {
  const numbers = await numbersByName(store, all);
  return new Map([...numbers].map(([name, n]) => [recordKeys(prefix, name).record, n]));
}

async function damage(
  name: string,
  originals: ReadonlyMap<string, StoredBytes>,
  other: StoredBytes,
  random: Random,
): Promise<void> {
  const { record, side, steps } = originals.get(name) ?? noBytes;
  const step = random.pick([null, ...Object.keys(steps)]);
  if (step !== null) {
    const value = steps[step] ?? Buffer.alloc(0);
    const changed = mutateBytes(value, Object.values(other.steps)[0] ?? other.record, random);
    if (random.chance(0.2)) await redis.hdel(`${name}:more`, step);
    await redis.hset(`${name}:more`, random.chance(0.2) ? `${step}x` : step, changed);
  } else if (side !== null && random.chance(0.5)) {
    await redis.set(`${name}:more`, mutateBytes(side, other.record, random), 'KEEPTTL');
  } else {
    await redis.set(name, mutateBytes(record, other.record, random), 'KEEPTTL');
  }
}

async function write(name: string, { record, side, steps }: StoredBytes): Promise<void> {
  await redis.set(name, record, 'KEEPTTL');
  if (side !== null) await redis.set(`${name}:more`, side, 'KEEPTTL');
  if (Object.keys(steps).length === 0) return;
  await redis.del(`${name}:more`);
  await redis.hset(`${name}:more`, steps);
}

test('the same holds of outcomes and steps of a MemoryStore', async () => {
  const random = new Random(seed);
  const inner = new FaultStore(new MemoryStore(), 30_000);
  const memory = { store: inner, scope: 'shop', key: 'done' };
  await executeIdempotently(() => ({ charge: 1 }), memory);
  await executeIdempotently((context) => stepping(context, 1), { ...memory, key: 'free' }).catch(() => {});
  inner.injectFault('acquire', async (pass) => {
    const reply = (await pass()) as never as { outcome?: Buffer; steps?: Map<string, { seq: number; bytes: Buffer }> };
    if (reply.outcome !== undefined) reply.outcome = mutateBytes(reply.outcome, Buffer.from('"other"'), random);
    const [[name, entry] = ['', undefined]] = reply.steps ?? [];
    if (entry !== undefined)
      reply.steps?.set(name, { ...entry, bytes: mutateBytes(entry.bytes, Buffer.from('r1'), random) });
    return reply as never;
  });
  for (let n = 0; n < 5_000; n += 1) {
    const repeat = executeIdempotently(() => expect.unreachable('It runs again.'), {
      ...memory,
      key: n % 2 === 0 ? 'done' : 'free',
    });
    await expect(repeat, `seed ${seed}`).rejects.toMatchObject({ class: 'damaged' });
  }
}, 600_000);
