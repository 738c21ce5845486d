// Requirement 8: the package on-finished, which many layers use, does not see that a client has disconnected before the
// response is recorded.
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import {
  disconnectAndRetry,
  disconnects,
} from '../../packages/testing/src/adapter-suite/support/disconnect-and-retry.js';
import { onEveryFramework } from './framework-matrix.js';

// A dependency of Express and of Koa, loaded as every application on them loads it.
const onFinished: (message: object, listener: () => void) => void = createRequire(
  createRequire(import.meta.url).resolve('express'),
)('on-finished');

const withoutBody = { parser: 'none', sent: { method: 'POST' } } as const;

onEveryFramework(
  'A client that disconnects while its request is processed',
  (testbed) => {
    for (const [departure, depart] of Object.entries(disconnects)) {
      it.each([
        ['of a response', {}, 'res'],
        ['of a request without a body', withoutBody, 'req'],
      ] as const)(`${departure}: on-finished %s does not see it`, async (_title, spec, message) => {
        const noticed: string[] = [];
        const { retry, runs } = await disconnectAndRetry(
          testbed,
          depart,
          async (call, leave) => {
            onFinished(call[message], () => noticed.push(message));
            await leave();
            for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
            return { body: noticed.join() };
          },
          spec,
        );
        expect([retry.text, retry.headers['idempotent-replayed'], runs]).toEqual(['', 'true', 1]);
      });
    }
  },
  { needs: ['raw'], transport: 'HTTP/1' },
);
