// Requirement 5: after a failure that only Express knows the key is free, and the retry runs as attempt 2.
import type { Request, RequestHandler, Response } from 'express';
import { expect, it } from 'vitest';
import { endAndRetry, expectFreed } from '../../packages/testing/src/adapter-suite/support/end-and-retry.js';
import { onEveryFramework } from './framework-matrix.js';
import { isExpress } from './registrations/express.js';

onEveryFramework(
  'The key is free for the retry after',
  (testbed) => {
    it('next(error) of a 5xx, whatever status the response had before', async () => {
      const failing = async ({ native }: { native: unknown }) => {
        (native as Request & { res: Response }).res.status(201);
        throw new Error('It failed.');
      };
      expectFreed(await endAndRetry(testbed, failing), 500);
    });

    // Express 4 does not notice a rejected promise, so nobody can.
    if (testbed.framework.name === 'Express 4') return;
    it('a rejected promise of an inner layer', async () => {
      const layer: RequestHandler = async (req, _res, next) => {
        if (req.idempotency?.attempt === 1) throw new Error('It failed.');
        next();
      };
      const { first, retry, attempts } = await endAndRetry(testbed, () => ({}), {}, { inner: [layer] });
      expect([first?.status, retry.text, attempts]).toEqual([500, '{"attempt":2}', [2]]);
    });
  },
  { only: isExpress },
);
