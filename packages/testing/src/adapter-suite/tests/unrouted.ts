// Requirement 5: an unrouted request leaves its key free, so that the retry runs once there is a route.
import type { IdempotencyStore } from '@onceguard/core';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import { send } from '../support/http-client.js';

export function unroutedTests(suite: AdapterTests): void {
  suite.group(
    'With the adapter before the routes,',
    (testbed) => {
      it('a 404 of an unrouted request leaves the key free, and the retry runs as attempt 2', async () => {
        const { store } = await testbed.openStore();
        const before = await startWith(testbed, store, null);
        expect((await before.post()).status).toBe(404);
        const after = await startWith(testbed, store, 201);
        expect(await after.post()).toMatchObject({ status: 201, text: '{"attempt":2}' });
      });
    },
    { needs: ['unrouted'] },
  );

  suite.group('With a route', (testbed) => {
    it.each([404, 405, 410])('that responds with %d, that response is replayed', async (status) => {
      const { store } = await testbed.openStore();
      const { post } = await startWith(testbed, store, status);
      expect(await post()).toMatchObject({ status, text: '{"attempt":1}' });
      expect(await post()).toMatchObject({ status, text: '{"attempt":1}', headers: { 'idempotent-replayed': 'true' } });
    });
  });
}

/** An application with a route that responds with this status, or without one. */
async function startWith(testbed: Testbed, store: IdempotencyStore, status: number | null) {
  const { port } = await testbed.start({
    store,
    unrouted: status === null,
    handler: ({ context }) => ({ status: status ?? 500, body: { attempt: context?.attempt } }),
  });
  return { post: () => send(port, { key: 'k', method: 'POST', path: '/pay' }) };
}
