// Requirement 10: without its store nothing runs unless the options allow it, and nobody waits for long.
import { drainStore } from '@onceguard/core';
import { afterEach, expect, it } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { nextEvent } from '../../packages/testing/src/adapter-suite/support/next-event.js';
import { onEveryFramework } from './framework-matrix.js';
import { isRepresentative } from './frameworks.js';
import { type RestartableRedis, startRestartableRedis } from './restartable-redis.js';

/** Thirty times the store's deadline of a second: longer means a hang, not a slow machine. */
const hangMs = 30_000;

let redis: RestartableRedis;
afterEach(async () => await redis.close());

onEveryFramework(
  'With Redis down when the request arrives,',
  (testbed) => {
    it.each([
      ['gone', async () => await redis.crash()],
      ['silent', async () => redis.freeze()],
    ])(
      '%s: 503 store_unavailable with Retry-After within the deadline, nothing executed; later the retry runs once',
      async (_, fail) => {
        redis = await startRestartableRedis(1_000);
        let runs = 0;
        const { port } = await testbed.start({
          store: redis.store,
          handler: () => ({ status: 201, body: { run: ++runs } }),
        });
        await fail();

        const startedAt = performance.now();
        const refusals = await Promise.all(['a', 'a', 'b'].map((key) => send(port, { key })));
        expect(performance.now() - startedAt).toBeLessThan(hangMs);
        for (const refusal of refusals) {
          expect(refusal.status).toBe(503);
          expect(refusal.headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '1' });
          expect(refusal.json()).toMatchObject({ code: 'store_unavailable', retryable: true });
        }
        expect(runs).toBe(0);

        await redis.restore();
        expect(await drainStore(redis.store)).toBe(true);
        const retry = await send(port, { key: 'a' });
        expect([retry.status, retry.text, runs]).toEqual([201, '{"run":1}', 1]);
      },
    );

    it('a request without a key is served as usual', async () => {
      redis = await startRestartableRedis(1_000);
      const { port } = await testbed.start({ store: redis.store, handler: () => ({ body: 'served' }) });
      await redis.crash();
      const received = await send(port);
      expect([received.status, received.text]).toEqual([200, 'served']);
    });

    it('"bypass" runs, emits an event, and marks the response as not recorded', async () => {
      redis = await startRestartableRedis(1_000);
      let runs = 0;
      const { port } = await testbed.start({
        store: redis.store,
        options: { onStoreUnavailable: 'bypass' },
        handler: ({ context }) => ({ status: 201, body: { run: ++runs, fencingToken: context?.fencingToken } }),
      });
      await redis.crash();
      const bypassed = nextEvent('bypassed');
      const received = await send(port, { key: 'k' });
      expect([received.status, received.json()]).toEqual([201, { run: 1, fencingToken: 0 }]);
      expect(received.headers['idempotency-recorded']).toBe('false');
      expect(await bypassed).toMatchObject({ store: 'redis', error: { code: 'store_unavailable' } });
    });
  },
  { store: 'Redis', where: isRepresentative },
);
