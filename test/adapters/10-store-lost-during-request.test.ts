// Requirement 10: when the store is lost while the handler runs, the client still gets its response, and the record
// follows later.
import { drainStore } from '@onceguard/core';
import { afterEach, expect, it } from 'vitest';
import type { Handler, Options } from '../../packages/testing/src/adapter-suite/framework.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { nextEvent } from '../../packages/testing/src/adapter-suite/support/next-event.js';
import { onEveryFramework } from './framework-matrix.js';
import { isRepresentative } from './frameworks.js';
import { type RestartableRedis, startRestartableRedis } from './restartable-redis.js';

let redis: RestartableRedis;
afterEach(async () => await redis.close());

/** How Redis fails, and the reply of `complete` when it is back. */
const outages = [
  ['gone, and back without its data', async () => await redis.crash(), 'recorded'],
  ['silent for a while', async () => redis.freeze(), 'recorded'],
] as const;

onEveryFramework(
  'With Redis lost while the handler runs,',
  (testbed) => {
    it.each(outages)(
      '%s: the client gets the real response marked unrecorded; when Redis is back, the record is there',
      async (_, lose, kind) => {
        let runs = 0;
        const { port } = await startWith(async () => {
          runs += 1;
          await lose();
          return { status: 201, headers: { 'X-Run': String(runs) }, body: { run: runs } };
        });
        const [unrecorded, recorded] = [nextEvent('outcome_unrecorded'), nextEvent('recorded_late')];
        const first = await send(port, { key: 'k' });
        expect([first.status, first.text, first.headers['x-run']]).toEqual([201, '{"run":1}', '1']);
        expect(first.headers['idempotency-recorded']).toBe('false');
        expect(await unrecorded).toMatchObject({ store: 'redis', attempt: 1 });

        await redis.restore();
        expect(await drainStore(redis.store)).toBe(true);
        expect(await recorded).toMatchObject({ store: 'redis', attempt: 1, kind });
        const replay = await send(port, { key: 'k' });
        expect([replay.status, replay.text, replay.headers['x-run'], runs]).toEqual([201, '{"run":1}', '1', 1]);
        expect(replay.headers['idempotent-replayed']).toBe('true');
        expect(replay.headers['idempotency-recorded']).toBeUndefined();
      },
    );

    it.runIf(testbed.has('raw'))(
      'the end of a streamed response, whose headers can no longer be marked, is withheld; the retry gets it',
      async () => {
        let runs = 0;
        const { port } = await startWith(async ({ res }): Promise<'raw'> => {
          runs += 1;
          res.statusCode = 200;
          res.flushHeaders();
          res.write('one');
          await redis.crash();
          res.end(' two');
          return 'raw';
        });
        await expect(send(port, { key: 'k' })).rejects.toThrow(/aborted|INTERNAL_ERROR/);

        await redis.restore();
        expect(await drainStore(redis.store)).toBe(true);
        const replay = await send(port, { key: 'k' });
        expect([replay.status, replay.text, replay.headers['idempotent-replayed'], runs]).toEqual([
          200,
          'one two',
          'true',
          1,
        ]);
      },
    );

    it('for longer than the lease: the client gets 503, and no result that another owner may contradict', async () => {
      const { port } = await startWith(
        async ({ context }) => {
          redis.freeze();
          await new Promise((resolve) => context?.signal.addEventListener('abort', resolve));
          return { status: 201, body: 'paid' };
        },
        { leaseMs: 4_000 },
      );
      const refusal = await send(port, { key: 'k' });
      expect([refusal.status, refusal.json().code]).toEqual([503, 'store_unavailable']);

      await redis.restore();
      expect(await drainStore(redis.store)).toBe(true);
      const retry = await send(port, { key: 'k' });
      expect([retry.status, retry.text, retry.headers['idempotent-replayed']]).toEqual([201, 'paid', 'true']);
    });

    it('a failure frees its key when Redis is back', async () => {
      let runs = 0;
      const { port } = await startWith(async ({ context }) => {
        runs += 1;
        if (runs === 1) redis.freeze();
        return { status: runs === 1 ? 500 : 201, body: { attempt: context?.attempt } };
      });
      const failure = await send(port, { key: 'k' });
      expect([failure.status, failure.headers['idempotency-recorded']]).toEqual([500, undefined]);

      await redis.restore();
      expect(await drainStore(redis.store)).toBe(true);
      const retry = await send(port, { key: 'k' });
      expect([retry.status, retry.text]).toEqual([201, '{"attempt":2}']);
    });

    async function startWith(handler: Handler, options: Options = {}) {
      redis = await startRestartableRedis(1_500);
      return await testbed.start({ store: redis.store, handler, options });
    }
  },
  { store: 'Redis', where: isRepresentative },
);
