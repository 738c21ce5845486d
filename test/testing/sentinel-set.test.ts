// startSentinelSet: Sentinels, and the servers that they monitor.
import { type SentinelSet, startSentinelSet } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { remainsOf, tracesOf } from './server-traces.js';

let set: SentinelSet;
beforeAll(async () => {
  set = await startSentinelSet({ replicas: 2 });
});
afterAll(async () => await set.stop());

test('After the start every Sentinel knows the master, and enough of them can agree on a failover', async () => {
  expect([set.sentinels.length, set.replicas.length]).toEqual([3, 2]);
  for (const sentinel of set.sentinels) {
    const address = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', set.masterName);
    expect(address).toEqual(['127.0.0.1', String(set.master.port)]);
    expect(await sentinel.command('SENTINEL', 'CKQUORUM', set.masterName)).toContain('OK 3 usable Sentinels');
  }
  for (const replica of set.replicas) {
    expect(await replica.command('ROLE')).toEqual(expect.arrayContaining([set.master.port, 'connected']));
  }
});

test('A client of the Sentinels finds the master, and after its end the promoted replica', async () => {
  const client = new Redis({ sentinels: [...set.addresses], name: set.masterName });
  client.on('error', () => {});
  await client.set('text', 'words');
  await client.wait(2, 5_000);
  await set.master.kill();
  await vi.waitFor(async () => {
    const info = String(await client.info('replication'));
    expect(info).toContain('role:master');
  }, 60_000);
  expect(await client.get('text')).toBe('words');
  client.disconnect();
});

test('After stop there is no process and no directory left', async () => {
  await set.master.restart();
  const traces = await Promise.all([...set.sentinels, set.master, ...set.replicas].map(tracesOf));
  await set.stop();
  await vi.waitFor(() => expect(remainsOf(traces)).toEqual([]), 60_000);
});
