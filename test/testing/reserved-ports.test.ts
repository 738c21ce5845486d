// The port of a server that is down: nobody else gets it.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { startRedis } from '@onceguard/testing';
import { expect, test } from 'vitest';
import { reservePort } from '../../packages/testing/src/servers/reserved-port.js';

const host = '127.0.0.1';

async function isReserved(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const bound = once(socket, 'listening').then(
    () => false,
    () => true,
  );
  socket.bind({ port, address: host, exclusive: true });
  return await bound.finally(() => socket.close());
}

test('A Redis keeps its port reserved while it runs, while it is down, and when it is back, until stop', async () => {
  const redis = await startRedis();
  expect(await isReserved(redis.port)).toBe(true);
  await redis.kill();
  expect(await isReserved(redis.port)).toBe(true);
  await redis.restart();
  expect(await isReserved(redis.port)).toBe(true);
  await redis.stop();
  await redis.stop();
  expect(await isReserved(redis.port)).toBe(false);
});

test('Reservations have different ports, on which a server can listen', async () => {
  const reserved = await Promise.all(Array.from({ length: 200 }, () => reservePort()));
  expect(new Set(reserved.map(({ port }) => port)).size).toBe(200);
  for (const { port, release } of reserved) {
    const server = createServer().listen(port, host);
    await once(server, 'listening');
    await once(server.close(), 'close');
    release();
    release();
  }
});
