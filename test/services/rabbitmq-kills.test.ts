// Consumers of RabbitMQ that are killed at every point of a job, and a storm of duplicates during which some are
// killed.
import { randomUUID } from 'node:crypto';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { delaysMs, emptyQueues, openTestQueues, type TestQueues } from './broker.js';
import { type ConsumerProcess, startConsumer, tracesOf, type WorkTraces } from './consumer-process.js';
import type { ConsumerSettings, HoldPoint } from './processes/consumer.js';
import { recordsIn } from './stored-records.js';

let redis: Redis;
let broker: TestQueues;
let prefix: string;
let running: ConsumerProcess[];

beforeAll(async () => {
  redis = new Redis(String(process.env.REDIS_URL), { enableOfflineQueue: false, lazyConnect: true });
  await redis.connect();
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  broker = await openTestQueues();
  prefix = `rabbitmq-kills:${randomUUID()}:`;
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map(async (consumer) => await consumer.kill()));
  await broker.close();
});

async function start(settings: Partial<ConsumerSettings> = {}): Promise<ConsumerProcess> {
  const consumer = await startConsumer({
    ...{ amqpUrl: broker.url, queue: broker.queues.work, delaysMs },
    ...{ redisUrl: String(process.env.REDIS_URL), prefix, leaseMs: 1_000, holdAt: null, labels: true, workMs: 5 },
    ...settings,
  });
  running.push(consumer);
  return consumer;
}

const eventually = async (check: () => unknown) => await vi.waitFor(check, { timeout: 60_000, interval: 50 });

describe('A consumer that is killed', () => {
  const cases: [HoldPoint, WorkTraces][] = [
    ['before the work', { runs: 1, charges: 1, labels: 1 }],
    ['in a step', { runs: 2, charges: 1, labels: 1 }],
    ['between steps', { runs: 2, charges: 1, labels: 1 }],
    ['after the work', { runs: 2, charges: 1, labels: 1 }],
  ];
  test.each(cases)('%s leaves the job to another, whose every effect happens once', async (holdAt, traces) => {
    const victim = await start({ holdAt });
    await broker.send('order-1');
    await victim.untilHeld();
    await victim.kill();
    const heir = await start();
    await eventually(() => expect(broker.replies.get('order-1')).toHaveLength(1));
    expect(await tracesOf(redis, prefix, 'order-1')).toEqual(traces);
    // The heir waited for the lease of the dead consumer. If that had used up the only attempt, the message would be
    // rejected.
    expect(heir.decisions.at(-1)).toBe('acknowledge');
    expect(await broker.queueLengths()).toEqual(emptyQueues);
  });

  test('before the ack leaves a message that is settled from the record', async () => {
    const victim = await start({ holdAt: 'before the ack' });
    await broker.send('order-1');
    await victim.untilHeld();
    await victim.kill();
    const heir = await start();
    await eventually(() => expect(broker.replies.get('order-1')).toHaveLength(2));
    const [first, second] = broker.replies.get('order-1') ?? [];
    expect(second).toEqual(first);
    expect(await tracesOf(redis, prefix, 'order-1')).toEqual({ runs: 1, charges: 1, labels: 1 });
    expect(heir.decisions).toEqual(['acknowledge']);
  });

  test('in a step that may happen at most once leaves a message that is parked', async () => {
    const victim = await start({ holdAt: 'in a step at most once' });
    await broker.send('order-1');
    await victim.untilHeld();
    await victim.kill();
    await start();
    await eventually(async () => expect(await broker.queueLengths()).toEqual({ ...emptyQueues, parked: 1 }));
    expect(await tracesOf(redis, prefix, 'order-1')).toEqual({ runs: 2, charges: 1, labels: 1 });
    expect(broker.replies.size).toBe(0);
  });
});

test('A storm: of 200 jobs, each delivered 3 times to 2 processes while 6 are killed, each is on record once', async () => {
  const ids = Array.from({ length: 200 }, (_, at) => `order-${at}`);
  const kills = 6;
  const settings = { labels: false, workMs: 40, leaseMs: 2_000 };
  await Promise.all([start(settings), start(settings)]);
  for (let copy = 1; copy <= 3; copy += 1) await Promise.all(ids.map(async (id) => await broker.send(id)));
  for (let killed = 1; killed <= kills; killed += 1) {
    await eventually(() => expect([...broker.replies.values()].flat().length).toBeGreaterThanOrEqual(killed * 70));
    await running.shift()?.kill();
    await start(settings);
  }
  // A message gets its reply before it is acknowledged.
  const repliedTo = () => ids.filter((id) => (broker.replies.get(id) ?? []).length >= 3).length;
  await eventually(async () => expect([repliedTo(), await broker.queueLengths()]).toEqual([ids.length, emptyQueues]));
  await Promise.all(running.splice(0).map(async (consumer) => await consumer.stop()));
  expect(await broker.queueLengths()).toEqual(emptyQueues);

  const store = new RedisStore({ client: redis, prefix });
  expect((await recordsIn(store)).map(({ state }) => state)).toEqual(ids.map(() => 'completed'));
  for (const id of ids) {
    const results = broker.replies.get(id) ?? [];
    expect(new Set(results.map((result) => JSON.stringify(result))).size, id).toBe(1);
    const { runs, charges } = await tracesOf(redis, prefix, id);
    expect(runs, id).toBeLessThanOrEqual(1 + kills);
    expect(charges, id).toBe(1);
  }
});
