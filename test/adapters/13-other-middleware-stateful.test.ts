// Requirement 13: sessions and rate limits outside and inside of idempotency() count what they count without it.
import { rateLimit } from 'express-rate-limit';
import session from 'express-session';
import type { Context, Next } from 'koa';
import koaSession from 'koa-session';
import { expect, it } from 'vitest';
import type { Call, Framework } from '../../packages/testing/src/adapter-suite/framework.js';
import { places, startWithMiddleware } from '../../packages/testing/src/adapter-suite/support/app-with-layer.js';
import type { ReceivedResponse } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import { type ExpressFramework, isExpress } from './registrations/express.js';
import { isKoa, type KoaFramework } from './registrations/koa.js';

onEveryFramework('express-session, koa-session', sessionTests, { only: isExpressOrKoa });

function sessionTests(testbed: Testbed): void {
  // express-session calls a method that HTTP/2 responses lack, with or without this middleware.
  const usable = places.filter((place) => place === 'inside' || testbed.framework.name !== 'Express 5 over HTTP/2');
  it.each(usable)(
    '%s keep the session of the first request, and a replay neither counts nor sets a cookie',
    async (place) => {
      const app = await startWithMiddleware({ testbed, place, layer: sessionLayer(testbed), handler: countInSession });
      const plain = await app.sendWithoutKey();
      expect([plain.text, cookiesOf(plain)]).toEqual(['visit 1', [expect.stringMatching(/^sid=/)]]);

      const first = await app.sendWithKey();
      const [cookie = ''] = cookiesOf(first);
      expect([first.text, cookie]).toEqual(['visit 1', expect.stringMatching(/^sid=/)]);
      for (const headers of [{}, { cookie }]) {
        const replay = await app.sendWithKey({ headers });
        expect([replay.headers['idempotent-replayed'], replay.text, cookiesOf(replay)]).toEqual([
          'true',
          'visit 1',
          [],
        ]);
      }
      expect((await app.sendWithoutKey({ headers: { cookie } })).text).toBe('visit 2');
      expect((await app.sendWithKey({ key: 'other', headers: { cookie: cookiesOf(plain).join() } })).text).toBe(
        'visit 2',
      );
    },
  );
}

onEveryFramework(
  'express-rate-limit',
  (testbed) => {
    const layer = () =>
      rateLimit({ limit: 3, standardHeaders: 'draft-7', legacyHeaders: false, keyGenerator: () => 'all' });
    const handler = () => ({ status: 201, body: 'paid' });
    const remaining = ({ headers }: ReceivedResponse) => /remaining=(\d+)/.exec(String(headers.ratelimit))?.[1];

    it('outside counts every request, and its headers are live', async () => {
      const app = await startWithMiddleware({ testbed, place: 'outside', layer: layer(), handler });
      const responses = [
        await app.sendWithoutKey(),
        await app.sendWithKey(),
        await app.sendWithKey(),
        await app.sendWithKey(),
        await app.sendWithoutKey(),
      ];
      expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 429, 429]);
      expect(responses.map(remaining)).toEqual(['2', '1', '0', '0', '0']);
    });

    it('inside counts what runs; its rejection is not recorded', async () => {
      const limit = layer();
      const app = await startWithMiddleware({ testbed, place: 'inside', layer: limit, handler });
      const responses = [
        await app.sendWithoutKey(),
        await app.sendWithKey(),
        await app.sendWithKey(),
        await app.sendWithoutKey(),
      ];
      expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
      expect(responses.map(remaining)).toEqual(['2', '1', undefined, '0']);
      const refused = await app.sendWithKey({ key: 'other' });
      expect([refused.status, remaining(refused)]).toEqual([429, '0']);
      limit.resetKey('all');
      const retry = await app.sendWithKey({ key: 'other' });
      expect([retry.status, retry.text, retry.headers['idempotent-replayed']]).toEqual([201, 'paid', undefined]);
    });
  },
  { only: isExpress },
);

function isExpressOrKoa(framework: Framework): framework is ExpressFramework | KoaFramework {
  return isExpress(framework) || isKoa(framework);
}

function sessionLayer({ framework }: Testbed): unknown {
  if (isExpress(framework)) {
    return session({ name: 'sid', secret: 'not so secret', resave: false, saveUninitialized: false });
  }
  let layer: ReturnType<typeof koaSession> | undefined;
  return async (ctx: Context, next: Next) => {
    layer ??= koaSession({ key: 'sid', signed: false }, ctx.app);
    return await layer(ctx, next);
  };
}

/** Express keeps the session on the request, Koa on the context. */
function countInSession({ native }: Call) {
  const held: { visits?: number } = Reflect.get(Object(native), 'session');
  held.visits = (held.visits ?? 0) + 1;
  return { body: `visit ${held.visits}` };
}

function cookiesOf({ headers }: ReceivedResponse): string[] {
  return (headers['set-cookie'] ?? []).map((line) => line.split(';', 1).join());
}
