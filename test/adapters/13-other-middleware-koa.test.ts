// Requirement 13: outer and inner middleware of Koa works as without idempotency(), for the first response and for a
// replay.
import { Readable } from 'node:stream';
import compress from 'koa-compress';
import { expect, it } from 'vitest';
import type { Reply } from '../../packages/testing/src/adapter-suite/framework.js';
import {
  comparableParts,
  longText,
  places,
  startWithMiddleware,
} from '../../packages/testing/src/adapter-suite/support/app-with-layer.js';
import { onEveryFramework } from './framework-matrix.js';
import { isKoa } from './registrations/koa.js';

const zipped = { headers: { 'accept-encoding': 'gzip' } };

const bodies: Record<string, () => Reply> = {
  json: () => ({ status: 201, headers: { 'X-Made': 'here' }, body: { text: longText } }),
  'a string': () => ({ body: longText }),
  'a Buffer': () => ({ headers: { 'Content-Type': 'text/plain' }, body: Buffer.from(longText) }),
  'a stream': () => ({ headers: { 'Content-Type': 'text/plain' }, body: Readable.from([longText, longText]) }),
};

onEveryFramework(
  'koa-compress',
  (testbed) => {
    for (const place of places) {
      it.each(Object.keys(bodies))(
        `${place} compresses %s for the first response and for the replay as without idempotency()`,
        async (what) => {
          const app = await startWithMiddleware({
            testbed,
            place,
            layer: compress(),
            handler: () => bodies[what]?.() ?? 'raw',
          });
          const plain = comparableParts(await app.sendWithoutKey(zipped));
          expect(plain.headers).toContain('content-encoding: gzip');
          expect(comparableParts(await app.sendWithKey(zipped))).toEqual(plain);
          expect(comparableParts(await app.sendWithKey(zipped))).toEqual(plain);
          expect(app.runs()).toBe(2);
        },
      );
    }

    it('outside is recorded like the rest of the stack: a replay has the coding of the first response', async () => {
      const app = await startWithMiddleware({
        testbed,
        place: 'outside',
        layer: compress(),
        handler: () => ({ body: longText }),
      });
      const first = comparableParts(await app.sendWithKey(zipped));
      expect(comparableParts(await app.sendWithKey())).toEqual(first);
    });
  },
  { only: isKoa },
);
