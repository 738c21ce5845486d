// The programs of docs/guides/uploads.md do what the guide says.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';

const servers: Server[] = [];

beforeAll(() => {
  process.env.REDIS_URL = redisUrl();
});

afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

describe.each([
  ['Express', () => import(`../../examples/docs/${'uploads-express'}.ts`)],
  ['Fastify', () => import(`../../examples/docs/${'uploads-fastify'}.ts`)],
])('The %s program of docs/guides/uploads.md', (name, load) => {
  test('keeps one photo for an upload and its repeat, and refuses another file or field under its key', async () => {
    const { app, photos } = await load();
    if (name === 'Fastify') await app.ready();
    const server = createServer(name === 'Fastify' ? app.routing : app).listen(0, '127.0.0.1');
    const upload = await uploader(server);
    const first = await upload('At the sea', 'blue');
    const again = await upload('At the sea', 'blue');
    expect([first.status, again.status, again.headers.get('Idempotent-Replayed')]).toEqual([201, 201, 'true']);
    expect(await again.text()).toBe(await first.text());
    expect([(await upload('At the sea', 'green')).status, (await upload('At home', 'blue')).status]).toEqual([
      422, 422,
    ]);
    expect(photos).toEqual(['At the sea']);
  });
});

/** Uploads a photo under one key. Each send has a boundary of its own. Closes the server after the tests. */
async function uploader(server: Server): Promise<(title: string, photo: string) => Promise<Response>> {
  servers.push(server);
  if (!server.listening) await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The server has no port.');
  const url = `http://127.0.0.1:${address.port}/photos`;
  const key = randomUUID();
  return async (title, photo) => {
    const body = new FormData();
    body.set('title', title);
    body.set('photo', new Blob([photo]), 'photo.png');
    return await fetch(url, { method: 'POST', headers: { 'Idempotency-Key': key }, body });
  };
}
