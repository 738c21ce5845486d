// Must hold, 13: middleware of Koa outside and inside works as without idempotency(), at first and at replay.
import { Readable } from 'node:stream';
import compress from 'koa-compress';
import { expect, it } from 'vitest';
import { around, comparable, longText, places } from './13-companions.js';
import type { Reply } from './frameworks.js';
import { onEveryFramework } from './matrix.js';

const zipped = { headers: { 'accept-encoding': 'gzip' } };

const bodies: Record<string, () => Reply> = {
  json: () => ({ status: 201, headers: { 'X-Made': 'here' }, body: { text: longText } }),
  'a string': () => ({ body: longText }),
  'a Buffer': () => ({ headers: { 'Content-Type': 'text/plain' }, body: Buffer.from(longText) }),
  'a stream': () => ({ headers: { 'Content-Type': 'text/plain' }, body: Readable.from([longText, longText]) }),
};

onEveryFramework(
  'koa-compress',
  (world) => {
    for (const place of places) {
      it.each(Object.keys(bodies))(
        `${place} compresses %s at first and at replay as without idempotency()`,
        async (what) => {
          const app = await around({ world, place, layer: compress(), handler: () => bodies[what]?.() ?? 'raw' });
          const plain = comparable(await app.plain(zipped));
          expect(plain.headers).toContain('content-encoding: gzip');
          expect(comparable(await app.keyed(zipped))).toEqual(plain);
          expect(comparable(await app.keyed(zipped))).toEqual(plain);
          expect(app.runs()).toBe(2);
        },
      );
    }

    it('outside is part of what is recorded, as all of the stack is: a replay has the coding of the first answer', async () => {
      const app = await around({ world, place: 'outside', layer: compress(), handler: () => ({ body: longText }) });
      const first = comparable(await app.keyed(zipped));
      expect(comparable(await app.keyed())).toEqual(first);
    });
  },
  { family: 'koa' },
);
