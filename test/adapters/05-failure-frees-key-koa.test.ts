// Requirement 5: after a failure that only Koa knows the key is free, and the retry runs as attempt 2.
import { Readable } from 'node:stream';
import type { Context, Middleware } from 'koa';
import { expect, it } from 'vitest';
import type { Handler } from '../../packages/testing/src/adapter-suite/framework.js';
import { endAndRetry, expectFreed } from '../../packages/testing/src/adapter-suite/support/end-and-retry.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryFramework } from './framework-matrix.js';
import { isKoa } from './registrations/koa.js';

onEveryFramework(
  'The key is free for the retry after',
  (testbed) => {
    it('a rejected promise of an inner layer', async () => {
      const layer: Middleware = async (ctx, next) => {
        if (ctx.state.idempotency?.attempt === 1) throw new Error('It failed.');
        await next();
      };
      const { first, retry, attempts } = await endAndRetry(testbed, () => ({}), {}, { inner: [layer] });
      expect([first?.status, retry.text, attempts]).toEqual([500, '{"attempt":2}', [2]]);
    });

    it('ctx.throw of a 5xx', async () => {
      expectFreed(await endAndRetry(testbed, ({ native }) => (native as Context).throw(502)), 502);
    });

    it('no response: the body stream breaks after its first bytes, and the connection is closed', async () => {
      const { first, retry, attempts } = await endAndRetry(testbed, ({ native }) => {
        (native as Context).body = streamThatBreaksAfter(['{"paid":']);
        return 'native';
      });
      expect([first, retry.text, attempts]).toEqual([null, '{"attempt":2}', [1, 2]]);
    });

    it('a body stream that breaks before its first bytes: Koa 2 sends a 500, Koa 3 no response', async () => {
      const handler: Handler = ({ native }) => {
        (native as Context).body = streamThatBreaksAfter([]);
        return 'native';
      };
      const { first, retry, attempts } = await endAndRetry(testbed, handler);
      const { store } = await testbed.openStore();
      const plain = await testbed.start({ store, handler, plain: true });
      const without = await send(plain.port).catch(() => null);
      expect(first?.status).toBe(without?.status);
      expect([retry.text, attempts]).toEqual(['{"attempt":2}', [1, 2]]);
    });
  },
  { only: isKoa },
);

function streamThatBreaksAfter(written: readonly string[]): Readable {
  const source = async function* () {
    yield* written;
    throw new Error('It broke.');
  };
  return Readable.from(source());
}
