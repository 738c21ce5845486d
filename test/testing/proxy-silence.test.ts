// FaultProxy: black holes and delays, and what works after they end.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type FaultProxy, startFaultProxy } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { connectionEnd, plainClient, plainSocket } from './plain-clients.js';

let proxy: FaultProxy;
let direct: Redis;
let client: Redis;
let key: string;

beforeAll(() => {
  direct = new Redis(redisUrl());
});

beforeEach(async () => {
  proxy = await startFaultProxy(redisUrl());
  client = await plainClient(proxy.url, 300);
  key = `proxy:${randomUUID()}`;
});

afterEach(async () => {
  await proxy.close();
  client.disconnect();
  await direct.del(key);
});

afterAll(() => direct.disconnect());

describe('In a black hole', () => {
  test('a request of an open connection never arrives, and the connection stays', async () => {
    proxy.blackHole();
    await expect(client.incr(key)).rejects.toThrow('timed out');
    expect(client.status).toBe('ready');
    proxy.heal();
    await exchangePings(proxy.url);
    expect(await direct.get(key)).toBeNull();
  });

  test('a pending reply never arrives, although the command was executed', async () => {
    const id = await client.client('ID');
    const popping = expect(client.blpop(key, 0)).rejects.toThrow('timed out');
    await vi.waitFor(async () => expect(String(await direct.client('LIST', 'ID', id))).toContain('cmd=blpop'), 60_000);
    proxy.blackHole();
    await direct.lpush(key, 'value');
    await popping;
    expect(await direct.exists(key)).toBe(0);
  });

  test('a new connection is accepted, and gets no reply', async () => {
    proxy.blackHole();
    const { socket, received } = await plainSocket(proxy.url);
    socket.write(`INCR ${key}\r\n`);
    await exchangePings(redisUrl());
    expect([received(), socket.readableEnded, await direct.get(key)]).toEqual(['', false, null]);
    socket.destroy();
  });

  test('the client does not see the server close the connection; after the black hole it is reset', async () => {
    const id = await client.client('ID');
    proxy.blackHole();
    await direct.client('KILL', 'ID', id);
    await exchangePings(redisUrl());
    expect(client.status).toBe('ready');
    const ended = connectionEnd(client);
    proxy.heal();
    expect(await ended).toContain('ECONNRESET');
  });

  test('the server does not see the client close the connection; after the black hole it does', async () => {
    const id = await client.client('ID');
    proxy.blackHole();
    client.disconnect();
    await exchangePings(redisUrl());
    const isThere = async () => String(await direct.client('LIST', 'ID', id)).includes(`id=${id} `);
    expect(await isThere()).toBe(true);
    proxy.heal();
    await vi.waitUntil(async () => !(await isThere()), 60_000);
  });
});

describe('After a black hole is healed', () => {
  test('a connection that dropped bytes stays silent: nothing may follow a gap', async () => {
    const { socket, received } = await plainSocket(proxy.url);
    proxy.blackHole();
    socket.write('PING\r\n');
    await exchangePings(redisUrl());
    proxy.heal();
    socket.write(`INCR ${key}\r\n`);
    await exchangePings(proxy.url);
    expect([received(), await direct.get(key)]).toEqual(['', null]);
    socket.end();
    await once(socket, 'close');
  });

  test('a connection that lost nothing works', async () => {
    proxy.blackHole();
    await exchangePings(redisUrl());
    proxy.heal();
    expect(await client.ping()).toBe('PONG');
  });
});

test('The fault black_hole begins after its command: the command is executed, and all connections are silent', async () => {
  const other = await plainClient(proxy.url, 300);
  const triggered = proxy.injectFault('black_hole', /incr/i);
  await expect(client.incr(key)).rejects.toThrow('timed out');
  await triggered;
  expect(await direct.get(key)).toBe('1');
  await expect(other.ping()).rejects.toThrow('timed out');
  expect([client.status, other.status]).toEqual(['ready', 'ready']);
  other.disconnect();
});

describe('With a delay', () => {
  test('a request and its reply are each delayed', async () => {
    const patient = await plainClient(proxy.url);
    proxy.setDelay(150);
    const start = performance.now();
    await patient.ping();
    // Timers may fire up to a millisecond early.
    expect(performance.now() - start).toBeGreaterThan(297);
    patient.disconnect();
  });

  test('everything arrives in order, even if the delay ends meanwhile', async () => {
    const { socket, received } = await plainSocket(proxy.url);
    socket.write(`SUBSCRIBE ${key}\r\n`);
    await vi.waitFor(() => expect(received()).toContain(key), 60_000);
    proxy.setDelay(500);
    await direct.publish(key, 'first');
    await exchangePings(redisUrl());
    proxy.setDelay(0);
    await direct.publish(key, 'second');
    await vi.waitFor(() => expect(received()).toMatch(/first.*second/s), 60_000);
    socket.destroy();
  });

  test('the end of a connection arrives after the bytes before it', async () => {
    const { socket, received } = await plainSocket(proxy.url);
    proxy.setDelay(50);
    socket.end(`INCR ${key}\r\n`);
    await once(socket, 'close');
    expect(received()).toBe(':1\r\n');
  });
});

test('Healing ends a delay', async () => {
  proxy.setDelay(3_600_000);
  proxy.heal();
  expect(await client.ping()).toBe('PONG');
});

test('Healing removes faults that have not happened yet', async () => {
  let hasHappened = false;
  void proxy.injectFault('lose_reply', /incr/i).then(() => {
    hasHappened = true;
  });
  proxy.heal();
  expect(await client.incr(key)).toBe(1);
  expect(hasHappened).toBe(false);
});

/** Resolves after many round trips on a new connection. Meanwhile bytes on other connections would have arrived. */
async function exchangePings(url: string): Promise<void> {
  const pinger = await plainClient(url);
  for (let count = 1; count <= 20; count += 1) await pinger.ping();
  pinger.disconnect();
}
