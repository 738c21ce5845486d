// A master, its replica, and the link between them.
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

test('When it has started, what the master is told is on the replica', async () => {
  const { master, replica } = pair;
  await client.set('text', 'words');
  expect(await client.wait(1, 5_000)).toBe(1);
  expect(await replica.command('GET', 'text')).toBe('words');
  await expect(replica.command('SET', 'text', 'others')).rejects.toThrow('READONLY');
  for (const server of [master, replica]) {
    expect(await server.command('CONFIG', 'GET', 'maxclients')).toEqual(['maxclients', '77']);
  }
});

test('Where the link is a black hole, the replica hears nothing more, and both take it for connected', async () => {
  const { master, replica, link } = pair;
  link.blackHole();
  await client.set('text', 'words');
  expect(await client.wait(1, 200)).toBe(0);
  expect(await replica.command('GET', 'text')).toBeNull();
  expect(String(await master.command('INFO', 'replication'))).toContain('state=online');
  expect(String(await replica.command('INFO', 'replication'))).toContain('master_link_status:up');
});

test('Where the link is healed and cut, the replica gets what it missed', async () => {
  const { replica, link } = pair;
  link.blackHole();
  await client.set('text', 'words');
  link.heal();
  link.disconnectAll();
  await vi.waitFor(async () => expect(await replica.command('GET', 'text')).toBe('words'), 10_000);
});

test('A replica keeps nothing on disk of what it was sent', async () => {
  const { replica } = pair;
  const { folder } = await tracesOf(replica);
  await client.set('text', 'words');
  await replica.restart();
  // Some servers take a second for it.
  expect(await client.wait(1, 10_000)).toBe(1);
  expect(await replica.command('GET', 'text')).toBe('words');
  expect(readdirSync(folder)).toEqual(['redis.conf']);
});

test('Stopped, also where replication stands still, it leaves no process and no directory', async () => {
  const traces = await Promise.all([pair.master, pair.replica].map(tracesOf));
  pair.link.blackHole();
  await client.set('text', 'words');
  await pair.stop();
  await vi.waitFor(() => expect(remainsOf(traces)).toEqual([]));
});
