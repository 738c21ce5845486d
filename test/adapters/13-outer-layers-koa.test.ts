// Requirement 13: outer layers on Koa that change a response change it once: it is replayed as recorded, with their headers
// live.
import type { Context, Next } from 'koa';
import { expect, it } from 'vitest';
import {
  paidWithHeaders as paid,
  startWithMiddleware,
} from '../../packages/testing/src/adapter-suite/support/app-with-layer.js';
import { comparableResponse, expectReplay } from '../../packages/testing/src/adapter-suite/support/expect-replay.js';
import { onEveryFramework } from './framework-matrix.js';
import { isKoa } from './registrations/koa.js';

type KoaLayer = (ctx: Context, next: Next) => Promise<void>;

/** Typical outer layers. Each makes a change that shows if it is made twice. */
const koaLayers: Record<string, KoaLayer> = {
  'an envelope': async (ctx, next) => {
    await next();
    ctx.body = { data: ctx.body };
  },
  'a footer': async (ctx, next) => {
    await next();
    ctx.body = `${JSON.stringify(ctx.body)}\n-- the end`;
  },
  'output validation': async (ctx, next) => {
    await next();
    if (paidIn(ctx.body) !== true) ctx.throw(500, 'The output is not valid.');
  },
  'a layer that needs a member of the body': async (ctx, next) => {
    await next();
    ctx.body = { lines: linesIn(ctx.body).concat('outside') };
  },
  'a status of its own': async (ctx, next) => {
    await next();
    ctx.status = ctx.status === 201 ? 202 : 203;
  },
  'an appended header': async (ctx, next) => {
    await next();
    ctx.append('X-Layer', 'outside');
  },
  'a stream in place of the body': async (ctx, next) => {
    await next();
    ctx.body = (async function* () {
      yield '<';
      yield JSON.stringify(ctx.body);
    })();
  },
};

const paidIn = (body: unknown): unknown => Reflect.get(Object(body), 'paid');
/** Throws on anything that the handler does not give. */
const linesIn = (body: unknown): string[] => {
  const lines: unknown = Reflect.get(Object(body), 'lines');
  if (!Array.isArray(lines)) throw new Error('There are no lines.');
  return lines.map(String);
};

onEveryFramework(
  'An outer layer on Koa that changes the response after next()',
  (testbed) => {
    it.each(Object.keys(koaLayers))('%s: acts on the first response, and not again on its replay', async (name) => {
      const app = await startWithMiddleware({ testbed, place: 'outside', layer: koaLayers[name], handler: paid });
      const plain = await app.sendWithoutKey();
      const first = await app.sendWithKey();
      expect(comparableResponse(first)).toEqual(comparableResponse(plain));
      expectReplay(await app.sendWithKey(), first);
      expectReplay(await app.sendWithKey(), first);
      expect(app.runs()).toBe(2);
    });

    it('acts on rejections as on any response', async () => {
      const layer: KoaLayer = async (ctx, next) => {
        await next();
        ctx.body = `[${ctx.body}]`;
      };
      const app = await startWithMiddleware({ testbed, place: 'outside', layer, handler: paid });
      await app.sendWithKey();
      const refusal = await app.sendWithKey({ body: { amount: 11 } });
      expect([refusal.status, refusal.text]).toEqual([422, expect.stringMatching(/^\[\{.*\}\]$/)]);
    });

    it('sets its headers live, such as a response time', async () => {
      let requests = 0;
      const layer: KoaLayer = async (ctx, next) => {
        requests += 1;
        const number = String(requests);
        await next();
        ctx.set('X-Request-Number', number);
        ctx.cookies.set('seen', number);
        ctx.remove('X-Made');
      };
      const app = await startWithMiddleware({ testbed, place: 'outside', layer, handler: paid });
      const responses = [await app.sendWithKey(), await app.sendWithKey(), await app.sendWithKey()];
      expect(responses.map(({ headers }) => headers['x-request-number'])).toEqual(['1', '2', '3']);
      expect(responses.map(({ headers }) => headers['set-cookie'])).toEqual(
        ['1', '2', '3'].map((number) => [expect.stringMatching(`^seen=${number};`)]),
      );
      expect(responses.map(({ headers }) => headers['x-made'])).toEqual([undefined, undefined, undefined]);
      expect(new Set(responses.map(({ text }) => text)).size).toBe(1);
    });

    it('responds to a conditional request with 304, by the recorded ETag', async () => {
      const layer: KoaLayer = async (ctx, next) => {
        await next();
        if (!ctx.response.get('ETag')) ctx.set('ETag', `"${JSON.stringify(ctx.body).length}"`);
        if (ctx.get('If-None-Match') === ctx.response.get('ETag')) ctx.status = 304;
      };
      const app = await startWithMiddleware({ testbed, place: 'outside', layer, handler: paid });
      const first = await app.sendWithKey();
      const etag = String(first.headers.etag);
      expectReplay(await app.sendWithKey(), first);
      const unchanged = await app.sendWithKey({ headers: { 'if-none-match': etag } });
      expect([unchanged.status, unchanged.text, unchanged.headers.etag]).toEqual([304, '', etag]);
      expect(app.runs()).toBe(1);
    });

    it('leaves an event stream as it was recorded, and a response without a body', async () => {
      const layer: KoaLayer = async (ctx, next) => {
        await next();
        if (ctx.body) ctx.set('X-Length', String(ctx.length ?? 'unknown'));
      };
      const replies = [
        { headers: { 'Content-Type': 'text/event-stream' }, body: 'data: 1\n\n' },
        { status: 204, body: null },
      ];
      for (const reply of replies) {
        const app = await startWithMiddleware({ testbed, place: 'outside', layer, handler: () => reply });
        const first = await app.sendWithKey();
        const replay = await app.sendWithKey();
        expect([replay.status, replay.text, replay.headers['idempotent-replayed']]).toEqual([
          first.status,
          first.text,
          'true',
        ]);
      }
    });
  },
  { only: isKoa },
);
