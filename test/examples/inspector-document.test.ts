// Runs the program of the inspector's README.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';

test('The program of packages/inspector/README.md lets an operator in, and nobody else', async () => {
  process.env.REDIS_URL = redisUrl();
  const { app, store } = await import(`../../examples/readme/${'inspector-package'}.ts`);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const open = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${port}/onceguard/`, { headers });
  expect((await open({})).status).toBe(403);
  const page = await open({ authorization: 'Bearer operator-token' });
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('onceguard inspector')]);
  server.closeAllConnections();
  server.close();
  await store.close();
});
