// Case 17: the replication stops, nobody notices, and the replica becomes the master.
import { expect, vi } from 'vitest';
import { heals } from './healing.js';
import { Load } from './load.js';
import { aPair, failOver, inSync } from './replica-pairs.js';
import { test } from './support.js';

const durability = { replicas: 1, timeoutMs: 200 };

test('17. Without durability, what was acknowledged after the cut is lost with the master, runs again, and an event tells of it.', async ({
  lab,
}) => {
  lab.runsAtMost = 2;
  const pair = await aPair(lab);
  const till = lab.till(await lab.connect(pair.way.url));
  const sure = lab.till(await lab.connect(pair.way.url, { durability }));
  const lives = lab.events('data_may_be_lost');
  expect(await sure.pay('before')).toBe('paid 1, recorded');
  pair.link.blackHole();
  expect(await till.pay('after')).toBe('paid 1, recorded');
  await failOver(pair);
  await heals(till.store);
  expect(await till.pay('before')).toBe('paid 1, replayed');
  expect(await till.pay('after')).toBe('paid 2, recorded');
  await vi.waitUntil(() => lives.length > 0, 10_000);
  expect(lives[0]).toMatchObject({ server: `127.0.0.1:${pair.way.port}` });
});

test('17. With durability nothing that was acknowledged is lost with the master, under load from several clients.', async ({
  lab,
}) => {
  const pair = await aPair(lab);
  const stores = await Promise.all([1, 2, 3].map(async () => await lab.connect(pair.way.url, { durability })));
  const loads = stores.map((store) => new Load(store, 2));
  await Promise.all(loads.map(async (load) => await load.goesOn(100)));
  pair.link.blackHole();
  await Promise.all(loads.map(async (load) => await load.fails()));
  const acknowledged = loads.map((load) => load.acknowledged);
  await Promise.all(loads.map(async (load) => await load.fails()));
  expect(loads.map((load) => load.acknowledged)).toEqual(acknowledged);
  await failOver(pair);
  await inSync(pair.replica, await lab.redis({ args: ['--replicaof', '127.0.0.1', String(pair.replica.port)] }));
  await Promise.all(stores.map(async (store) => await heals(store)));
  await Promise.all(loads.map(async (load) => await load.stop()));
  const truth = await lab.connect(pair.replica.url);
  for (const load of loads) expect(await load.lostAt(truth)).toEqual([]);
});
