// Case 17: the replication stops, nobody notices, and the replica becomes the master.
import { expect, vi } from 'vitest';
import { BackgroundLoad } from './background-load.js';
import { test } from './lab.js';
import { failOver, startProxiedPair, untilInSync } from './replica-pairs.js';
import { expectWritesAgain } from './store-writes-again.js';

const durability = { replicas: 1, timeoutMs: 200 };

test('17. Without durability, what was acknowledged after the cut is lost with the master, runs again, and an event reports it.', async ({
  lab,
}) => {
  lab.maxRunsPerKey = 2;
  const pair = await startProxiedPair(lab);
  const payments = lab.payments(await lab.connect(pair.proxy.url));
  const sure = lab.payments(await lab.connect(pair.proxy.url, { durability }));
  const lives = lab.collectEvents('data_may_be_lost');
  expect(await sure.pay('before')).toBe('paid 1, recorded');
  pair.link.blackHole();
  expect(await payments.pay('after')).toBe('paid 1, recorded');
  await failOver(pair);
  await expectWritesAgain(payments.store);
  expect(await payments.pay('before')).toBe('paid 1, replayed');
  expect(await payments.pay('after')).toBe('paid 2, recorded');
  await vi.waitUntil(() => lives.length > 0, 60_000);
  expect(lives[0]).toMatchObject({ server: `127.0.0.1:${pair.proxy.port}` });
});

test('17. With durability nothing that was acknowledged is lost with the master, under load from several clients.', async ({
  lab,
}) => {
  const pair = await startProxiedPair(lab);
  const stores = await Promise.all([1, 2, 3].map(async () => await lab.connect(pair.proxy.url, { durability })));
  const loads = stores.map((store) => new BackgroundLoad(store, 2));
  await Promise.all(loads.map(async (load) => await load.untilMoreAcknowledged(100)));
  pair.link.blackHole();
  await Promise.all(loads.map(async (load) => await load.untilNextError()));
  const acknowledged = loads.map((load) => load.acknowledged);
  await Promise.all(loads.map(async (load) => await load.untilNextError()));
  expect(loads.map((load) => load.acknowledged)).toEqual(acknowledged);
  await failOver(pair);
  await untilInSync(pair.replica, await lab.redis({ args: ['--replicaof', '127.0.0.1', String(pair.replica.port)] }));
  await Promise.all(stores.map(async (store) => await expectWritesAgain(store)));
  await Promise.all(loads.map(async (load) => await load.stop()));
  const truth = await lab.connect(pair.replica.url);
  for (const load of loads) expect(await load.keysLostAt(truth)).toEqual([]);
});
