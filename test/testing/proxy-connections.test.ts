// FaultProxy: to which server connections lead, and how they end.
import { once } from 'node:events';
import { connect } from 'node:net';
import { type FaultProxy, type RedisServer, startFaultProxy, startRedis } from '@onceguard/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectionEnd, plainClient } from './plain-clients.js';

let server: RedisServer;
let proxy: FaultProxy;

beforeEach(async () => {
  server = await startRedis();
  proxy = await startFaultProxy(server.url);
});

afterEach(async () => {
  await proxy.close();
  await server.stop();
});

test.each([
  [undefined, /^FIN$/],
  ['fin', /^FIN$/],
  ['reset', /ECONNRESET/],
] as const)('disconnectAll(%s) closes all connections in that way, and new ones work', async (mode, end) => {
  const clients = await Promise.all([plainClient(proxy.url), plainClient(proxy.url)]);
  const ended = clients.map(connectionEnd);
  proxy.disconnectAll(mode);
  for (const reason of await Promise.all(ended)) expect(reason).toMatch(end);
  const next = await plainClient(proxy.url);
  expect(await next.ping()).toBe('PONG');
  next.disconnect();
});

test('retarget closes old connections, and new ones reach the other server', async () => {
  const other = await startRedis();
  const client = await plainClient(proxy.url);
  await client.set('where', 'here');
  const ended = connectionEnd(client);
  proxy.retarget(other.url);
  expect(await ended).toBe('FIN');
  const next = await plainClient(proxy.url);
  await next.set('where', 'there');
  next.disconnect();
  expect(await Promise.all([server.command('GET', 'where'), other.command('GET', 'where')])).toEqual(['here', 'there']);
  await other.stop();
});

test('When the server is down, connections are reset; when it is back, new ones work', async () => {
  const client = await plainClient(proxy.url);
  const ended = connectionEnd(client);
  await server.kill();
  await ended;
  await expect(plainClient(proxy.url)).rejects.toThrow();
  await server.restart();
  const next = await plainClient(proxy.url);
  expect(await next.ping()).toBe('PONG');
  next.disconnect();
});

test('The URL is that of the target with another host and port', async () => {
  const other = await startFaultProxy(`redis://user:word@localhost:${server.port}/3`);
  expect(other.url).toBe(`redis://user:word@127.0.0.1:${other.port}/3`);
  await other.close();
  await other.close();
});

test('After close it has no connections and accepts none', async () => {
  const client = await plainClient(proxy.url);
  const ended = connectionEnd(client);
  proxy.blackHole();
  await proxy.close();
  await ended;
  const [error] = await once(connect(proxy.port, '127.0.0.1'), 'error');
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
});
