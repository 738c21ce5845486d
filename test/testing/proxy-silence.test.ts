// A network that says nothing, or says it late: the black hole, the delay, and what is well again after them.
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
    await answers(proxy.url);
    expect(await direct.get(key)).toBeNull();
  });

  test('a reply that was under way never arrives, although the command was executed', async () => {
    const id = await client.client('ID');
    const popping = expect(client.blpop(key, 0)).rejects.toThrow('timed out');
    await vi.waitFor(async () => expect(String(await direct.client('LIST', 'ID', id))).toContain('cmd=blpop'));
    proxy.blackHole();
    await direct.lpush(key, 'value');
    await popping;
    expect(await direct.exists(key)).toBe(0);
  });

  test('a new connection is accepted, and nothing comes of it', async () => {
    proxy.blackHole();
    const { socket, received } = await plainSocket(proxy.url);
    socket.write(`INCR ${key}\r\n`);
    await answers(redisUrl());
    expect([received(), socket.readableEnded, await direct.get(key)]).toEqual(['', false, null]);
    socket.destroy();
  });

  test('the end of a connection at the server is not seen by the client; after it, the connection is reset', async () => {
    const id = await client.client('ID');
    proxy.blackHole();
    await direct.client('KILL', 'ID', id);
    await answers(redisUrl());
    expect(client.status).toBe('ready');
    const ended = connectionEnd(client);
    proxy.heal();
    expect(await ended).toContain('ECONNRESET');
  });

  test('the end of a connection at the client is not seen by the server; after it, the server is rid of it', async () => {
    const id = await client.client('ID');
    proxy.blackHole();
    client.disconnect();
    await answers(redisUrl());
    const isThere = async () => String(await direct.client('LIST', 'ID', id)).includes(`id=${id} `);
    expect(await isThere()).toBe(true);
    proxy.heal();
    await vi.waitUntil(async () => !(await isThere()));
  });
});

describe('Healed after a black hole', () => {
  test('a connection that dropped bytes stays silent: nothing may follow a gap', async () => {
    const { socket, received } = await plainSocket(proxy.url);
    proxy.blackHole();
    socket.write('PING\r\n');
    await answers(redisUrl());
    proxy.heal();
    socket.write(`INCR ${key}\r\n`);
    await answers(proxy.url);
    expect([received(), await direct.get(key)]).toEqual(['', null]);
    socket.end();
    await once(socket, 'close');
  });

  test('a connection that lost nothing works', async () => {
    proxy.blackHole();
    await answers(redisUrl());
    proxy.heal();
    expect(await client.ping()).toBe('PONG');
  });
});

test('A black hole that a command sets off begins after the command: it is executed, and all connections are silent', async () => {
  const other = await plainClient(proxy.url, 300);
  const struck = proxy.injectFault('black_hole', /incr/i);
  await expect(client.incr(key)).rejects.toThrow('timed out');
  await struck;
  expect(await direct.get(key)).toBe('1');
  await expect(other.ping()).rejects.toThrow('timed out');
  expect([client.status, other.status]).toEqual(['ready', 'ready']);
  other.disconnect();
});

describe('With a delay', () => {
  test('a request and its reply arrive that much later each', async () => {
    const patient = await plainClient(proxy.url);
    proxy.setDelay(150);
    const start = performance.now();
    await patient.ping();
    // Timers may fire up to a millisecond early.
    expect(performance.now() - start).toBeGreaterThan(297);
    patient.disconnect();
  });

  test('everything arrives in its order, also when the delay ends meanwhile', async () => {
    const { socket, received } = await plainSocket(proxy.url);
    socket.write(`SUBSCRIBE ${key}\r\n`);
    await vi.waitFor(() => expect(received()).toContain(key));
    proxy.setDelay(500);
    await direct.publish(key, 'first');
    await answers(redisUrl());
    proxy.setDelay(0);
    await direct.publish(key, 'second');
    await vi.waitFor(() => expect(received()).toMatch(/first.*second/s));
    socket.destroy();
  });

  test('the end of a connection comes after what was said before', async () => {
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

test('Healing takes back the strikes that are still to come', async () => {
  let hasStruck = false;
  void proxy.injectFault('lose_reply', /incr/i).then(() => {
    hasStruck = true;
  });
  proxy.heal();
  expect(await client.incr(key)).toBe(1);
  expect(hasStruck).toBe(false);
});

/** Resolves when a new connection has had many answers: what was to arrive on another one meanwhile would have arrived. */
async function answers(url: string): Promise<void> {
  const other = await plainClient(url);
  for (let times = 1; times <= 20; times += 1) await other.ping();
  other.disconnect();
}
