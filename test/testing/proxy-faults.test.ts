// Faults of single commands on their way through the proxy.
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type FaultProxy, type ProxyFault, startFaultProxy } from '@onceguard/testing';
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
  client = await plainClient(proxy.url);
  key = `proxy:${randomUUID()}`;
});

afterEach(async () => {
  client.disconnect();
  await proxy.close();
  await direct.del(key);
});

afterAll(() => direct.disconnect());

test('Without a fault everything arrives as it was sent, both ways', async () => {
  const value = randomBytes(5_000_000);
  await client.set(key, value);
  expect((await client.getBuffer(key))?.equals(value)).toBe(true);
});

/** What is sent, how often it is executed, and how the client's connection ends. */
const faults: readonly (readonly [fault: ProxyFault, executed: number, end: RegExp])[] = [
  ['lose_request', 0, /^FIN$/],
  ['lose_reply', 1, /^FIN$/],
  ['lose_reply_reset', 1, /ECONNRESET/],
  ['half_close', 1, /^FIN$/],
];

describe.each(faults)('%s', (fault, executed, end) => {
  test(`the command is executed ${executed} times, and the client sees no reply but the end of its connection`, async () => {
    const struck = proxy.injectFault(fault, /incr/i);
    const ended = connectionEnd(client);
    await expect(client.incr(key)).rejects.toThrow();
    await struck;
    expect(await ended).toMatch(end);
    expect(Number(await direct.get(key))).toBe(executed);
  });

  test('what comes before on the same connection, and what does not match, passes', async () => {
    const struck = proxy.injectFault(fault, /incr/i);
    expect(await client.ping()).toBe('PONG');
    expect(await client.decr(key)).toBe(-1);
    await expect(client.incr(key)).rejects.toThrow();
    await struck;
  });

  test('it strikes once: the same command passes on the next connection', async () => {
    const struck = proxy.injectFault(fault, /incr/i);
    await expect(client.incr(key)).rejects.toThrow();
    await struck;
    const next = await plainClient(proxy.url);
    expect(await next.incr(key)).toBe(executed + 1);
    next.disconnect();
  });

  test('without a pattern it strikes whatever comes next', async () => {
    const struck = proxy.injectFault(fault);
    await expect(client.ping()).rejects.toThrow();
    await struck;
  });
});

test('Several strikes strike one after the other, each the first command that it matches', async () => {
  const order: string[] = [];
  const strikes = [
    proxy.injectFault('lose_reply', /incr/i).then(() => order.push('incr')),
    proxy.injectFault('lose_request', /decr/i).then(() => order.push('decr')),
    proxy.injectFault('lose_reply', /incr/i).then(() => order.push('incr again')),
  ];
  for (const command of ['decr', 'incr', 'incr'] as const) {
    const other = await plainClient(proxy.url);
    await expect(other[command](key)).rejects.toThrow();
  }
  await Promise.all(strikes);
  expect(order).toEqual(['decr', 'incr', 'incr again']);
  expect(await client.incr(key)).toBe(3);
});

test('After half_close what the client sends yet is executed, and after lose_reply it is not', async () => {
  const open = await struckBy('half_close');
  for (const executions of ['2', '3']) {
    open.write(`INCR ${key}\r\n`);
    await vi.waitFor(async () => expect(await direct.get(key)).toBe(executions));
  }
  const ended = await struckBy('lose_reply');
  ended.end(`INCR ${key}\r\n`);
  await once(ended, 'close');
  open.end();
  await once(open, 'close');
  expect(await direct.get(key)).toBe('4');
});

test.each(['lose_reply', 'half_close'] as const)('%s: of a reply in many pieces nothing arrives', async (fault) => {
  await direct.set(key, randomBytes(2_000_000));
  const { socket, received } = await plainSocket(proxy.url);
  const struck = proxy.injectFault(fault);
  const ended = once(socket, 'end');
  socket.write(`GET ${key}\r\n`);
  await Promise.all([struck, ended]);
  socket.end('PING\r\n');
  const [wasReset] = await once(socket, 'close');
  expect([received(), wasReset]).toEqual(['', false]);
});

test('A reply counts as lost where the server ends the connection without one', async () => {
  const struck = proxy.injectFault('lose_reply', /blpop/i);
  const id = await client.client('ID');
  const popped = expect(client.blpop(key, 0)).rejects.toThrow();
  await vi.waitFor(async () => expect(String(await direct.client('LIST', 'ID', id))).toContain('cmd=blpop'));
  await direct.client('KILL', 'ID', id);
  await struck;
  await popped;
});

/** A connection whose first command was struck, and which has seen its end. */
async function struckBy(fault: ProxyFault): Promise<Socket> {
  const { socket } = await plainSocket(proxy.url);
  const struck = proxy.injectFault(fault);
  const ended = once(socket, 'end');
  socket.write(`INCR ${key}\r\n`);
  await Promise.all([struck, ended]);
  return socket;
}
