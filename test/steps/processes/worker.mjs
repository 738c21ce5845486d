// A worker that takes orders of four steps, each up to the point that its trial names, and stands still there: it is killed when
// all of its orders stand still or have ended.
import { setTimeout as pause } from 'node:timers/promises';
import { executeIdempotently, recovery } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { FaultStore } from '@onceguard/testing';
import { Redis } from 'ioredis';

const { url, prefix, leaseMs } = JSON.parse(process.argv[2]);
const client = new Redis(url, { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
await client.connect();

/** Two systems know a call by its key, for whom a second one changes nothing; the other two act on every call. */
const steps = [
  { name: 'reserve' },
  { name: 'charge', atMostOnce: true },
  { name: 'ship' },
  { name: 'mail', atMostOnce: true },
];

async function callOther(trial, { name, atMostOnce }, key) {
  await client.hincrby(`${prefix}calls:${trial}`, name, 1);
  if (!atMostOnce) await client.sadd(`${prefix}effects:${trial}:${name}`, key);
}

/** The points of one order are counted. At the one of `stopAt` it stands still for good. */
function pointsOf({ trial, stopAt, longestPauseMs }) {
  let passed = 0;
  return async (point) => {
    passed += 1;
    if (passed === stopAt) {
      process.send({ trial, stands: point });
      await new Promise(() => {});
    }
    if (longestPauseMs > 0) await pause(Math.random() * longestPauseMs);
  };
}

/** A store whose calls are points, before they take effect and after it. */
function storeWith(at) {
  const store = new FaultStore(new RedisStore({ client, prefix: `${prefix}records:`, callTimeoutMs: 5_000 }));
  let asked = false;
  store.injectFault('acquire', async (pass) => {
    if (!asked) await at('asks for the right to run');
    asked = true;
    const answer = await pass();
    if (answer.kind === 'acquired') await at('has the right to run');
    return answer;
  });
  store.injectFault('checkpoint', async (pass) => {
    const { step, seq } = store.calls.at(-1).args[1];
    const what = `${seq % 2 === 1 ? 'the intent' : 'the end'} of ${step}`;
    await at(`records ${what}`);
    const answer = await pass();
    await at(`has recorded ${what}`);
    return answer;
  });
  store.injectFault('complete', async (pass) => {
    await at('records the outcome');
    const answer = await pass();
    await at('has recorded the outcome');
    return answer;
  });
  return store;
}

/** Asks the other systems. They can tell of the order whether they were called, and not whether it went on. */
async function findOut(trial, inDoubt, at) {
  await at('is to find out');
  const names = inDoubt.map(({ name }) => name);
  await client.rpush(`${prefix}asked:${trial}`, 'about', ...names);
  const calls = await client.hgetall(`${prefix}calls:${trial}`);
  await at('has found out');
  const happened = names.filter((name) => name in calls);
  if (happened.length === 0) return recovery.notDone();
  return happened.includes('mail') ? recovery.done('sold') : recovery.stillUnknown();
}

async function takeOrder(job) {
  const { trial, policy } = job;
  const at = pointsOf(job);
  const operation = async (context) => {
    for (const step of steps) {
      await at(`comes to ${step.name}`);
      const act = async ({ key }) => {
        await at(`begins ${step.name}`);
        await callOther(trial, step, key);
        await at(`has done ${step.name}`);
      };
      await context.step(step.name, act, { atMostOnce: step.atMostOnce === true });
    }
    return 'sold';
  };
  const onAbandoned =
    policy === 'recover' ? async ({ stepsInDoubt }) => await findOut(trial, stepsInDoubt, at) : policy;
  const options = {
    store: storeWith(at),
    scope: 'shop',
    key: trial,
    leaseMs,
    onInProgress: { waitMs: 20_000 },
    onAbandoned,
  };
  const { kind } = await executeIdempotently(operation, options);
  process.send({ trial, ends: kind });
}

process.once('disconnect', () => process.exit());
process.on('message', ({ jobs }) => {
  for (const job of jobs) void takeOrder(job).catch((error) => process.send({ trial: job.trial, ends: String(error) }));
});
process.send('ready');
