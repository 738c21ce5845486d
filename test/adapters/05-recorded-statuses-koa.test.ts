// Requirement 5: 4xx responses that a handler gives with Koa's own methods are recorded.
import type { Context } from 'koa';
import { it } from 'vitest';
import { expectReplayed } from '../../packages/testing/src/adapter-suite/support/end-and-retry.js';
import { onEveryFramework } from './framework-matrix.js';
import { isKoa } from './registrations/koa.js';

onEveryFramework(
  'Replayed is',
  (testbed) => {
    it.each([400, 402, 404, 409])('ctx.throw(%d)', async (status) => {
      await expectReplayed(testbed, status, ({ native }) =>
        (native as Context).throw(status, 'The card was declined.'),
      );
    });

    it('ctx.assert', async () => {
      await expectReplayed(testbed, 402, ({ native }) => {
        const ctx: Context = native as Context;
        ctx.assert(false, 402, 'The card was declined.');
        return 'native';
      });
    });
  },
  { only: isKoa },
);
