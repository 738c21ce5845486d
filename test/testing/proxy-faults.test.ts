// FaultProxy: faults of single commands.
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

test('Without a fault all bytes arrive unchanged, in both directions', async () => {
  const value = randomBytes(5_000_000);
  await client.set(key, value);
  expect((await client.getBuffer(key))?.equals(value)).toBe(true);
});

/** The fault, how often the command is executed, and how the client's connection ends. */
const faults: readonly (readonly [fault: ProxyFault, executed: number, end: RegExp])[] = [
  ['lose_request', 0, /^FIN$/],
  ['lose_reply', 1, /^FIN$/],
  ['lose_reply_reset', 1, /ECONNRESET/],
  ['half_close', 1, /^FIN$/],
];

describe.each(faults)('%s', (fault, executed, end) => {
  test(`the command is executed ${executed} times, and the client gets no reply and its connection ends`, async () => {
    const triggered = proxy.injectFault(fault, /incr/i);
    const ended = connectionEnd(client);
    await expect(client.incr(key)).rejects.toThrow();
    await triggered;
    expect(await ended).toMatch(end);
    expect(Number(await direct.get(key))).toBe(executed);
  });

  test('earlier commands of the connection, and commands that do not match, pass', async () => {
    const triggered = proxy.injectFault(fault, /incr/i);
    expect(await client.ping()).toBe('PONG');
    expect(await client.decr(key)).toBe(-1);
    await expect(client.incr(key)).rejects.toThrow();
    await triggered;
  });

  test('it happens once: the same command passes on the next connection', async () => {
    const triggered = proxy.injectFault(fault, /incr/i);
    await expect(client.incr(key)).rejects.toThrow();
    await triggered;
    const next = await plainClient(proxy.url);
    expect(await next.incr(key)).toBe(executed + 1);
    next.disconnect();
  });

  test('without a pattern it affects the next command', async () => {
    const triggered = proxy.injectFault(fault);
    await expect(client.ping()).rejects.toThrow();
    await triggered;
  });
});

test('Several faults happen one after the other, each at the first command that matches', async () => {
  const order: string[] = [];
  const triggered = [
    proxy.injectFault('lose_reply', /incr/i).then(() => order.push('incr')),
    proxy.injectFault('lose_request', /decr/i).then(() => order.push('decr')),
    proxy.injectFault('lose_reply', /incr/i).then(() => order.push('incr again')),
  ];
  for (const command of ['decr', 'incr', 'incr'] as const) {
    const other = await plainClient(proxy.url);
    await expect(other[command](key)).rejects.toThrow();
  }
  await Promise.all(triggered);
  expect(order).toEqual(['decr', 'incr', 'incr again']);
  expect(await client.incr(key)).toBe(3);
});

test('After half_close later commands of the client are executed, and after lose_reply they are not', async () => {
  const open = await socketAfterFault('half_close');
  for (const executions of ['2', '3']) {
    open.write(`INCR ${key}\r\n`);
    await vi.waitFor(async () => expect(await direct.get(key)).toBe(executions), 60_000);
  }
  const ended = await socketAfterFault('lose_reply');
  ended.end(`INCR ${key}\r\n`);
  await once(ended, 'close');
  open.end();
  await once(open, 'close');
  expect(await direct.get(key)).toBe('4');
});

test.each(['lose_reply', 'half_close'] as const)('%s: nothing arrives of a reply in many chunks', async (fault) => {
  await direct.set(key, randomBytes(2_000_000));
  const { socket, received } = await plainSocket(proxy.url);
  const triggered = proxy.injectFault(fault);
  const ended = once(socket, 'end');
  socket.write(`GET ${key}\r\n`);
  await Promise.all([triggered, ended]);
  socket.end('PING\r\n');
  const [wasReset] = await once(socket, 'close');
  expect([received(), wasReset]).toEqual(['', false]);
});

test('A reply counts as lost if the server closes the connection without one', async () => {
  const triggered = proxy.injectFault('lose_reply', /blpop/i);
  const id = await client.client('ID');
  const popped = expect(client.blpop(key, 0)).rejects.toThrow();
  await vi.waitFor(async () => expect(String(await direct.client('LIST', 'ID', id))).toContain('cmd=blpop'), 60_000);
  await direct.client('KILL', 'ID', id);
  await triggered;
  await popped;
});

/** A socket whose first command had this fault, and which has seen the end of its connection. */
async function socketAfterFault(fault: ProxyFault): Promise<Socket> {
  const { socket } = await plainSocket(proxy.url);
  const triggered = proxy.injectFault(fault);
  const ended = once(socket, 'end');
  socket.write(`INCR ${key}\r\n`);
  await Promise.all([triggered, ended]);
  return socket;
}
