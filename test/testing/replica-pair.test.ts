// startReplicaPair: a master, its replica, and the link between them.
import { readdirSync } from 'node:fs';
import { type ReplicaPair, startReplicaPair } from '@onceguard/testing';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { plainClient } from './plain-clients.js';
import { remainsOf, tracesOf } from './server-traces.js';

let pair: ReplicaPair;
let client: Redis;
beforeEach(async () => {
  pair = await startReplicaPair({ args: ['--maxclients', '77'] });
  client = await plainClient(pair.master.url);
});
afterEach(async () => {
  client.disconnect();
  await pair.stop();
});

test('After the start the replica gets every write of the master', async () => {
  const { master, replica } = pair;
  await client.set('text', 'words');
  expect(await client.wait(1, 5_000)).toBe(1);
  expect(await replica.command('GET', 'text')).toBe('words');
  await expect(replica.command('SET', 'text', 'others')).rejects.toThrow('READONLY');
  for (const server of [master, replica]) {
    expect(await server.command('CONFIG', 'GET', 'maxclients')).toEqual(['maxclients', '77']);
  }
});

test('With a black hole on the link the replica gets nothing more, and both report the link as up', async () => {
  const { master, replica, link } = pair;
  link.blackHole();
  await client.set('text', 'words');
  expect(await client.wait(1, 200)).toBe(0);
  expect(await replica.command('GET', 'text')).toBeNull();
  expect(String(await master.command('INFO', 'replication'))).toContain('state=online');
  expect(String(await replica.command('INFO', 'replication'))).toContain('master_link_status:up');
});

test('After the link is healed and disconnected, the replica gets the writes that it missed', async () => {
  const { replica, link } = pair;
  link.blackHole();
  await client.set('text', 'words');
  link.heal();
  link.disconnectAll();
  await vi.waitFor(async () => expect(await replica.command('GET', 'text')).toBe('words'), 60_000);
});

test('A replica leaves no file of the synchronization on disk', async () => {
  const { replica } = pair;
  const { folder } = await tracesOf(replica);
  await client.set('text', 'words');
  await replica.restart();
  // Some servers take a second to synchronize.
  expect(await client.wait(1, 10_000)).toBe(1);
  expect(await replica.command('GET', 'text')).toBe('words');
  expect(readdirSync(folder)).toEqual(['redis.conf']);
});

test('After stop, even during a black hole, there is no process and no directory left', async () => {
  const traces = await Promise.all([pair.master, pair.replica].map(tracesOf));
  pair.link.blackHole();
  await client.set('text', 'words');
  await pair.stop();
  await vi.waitFor(() => expect(remainsOf(traces)).toEqual([]), 60_000);
});
