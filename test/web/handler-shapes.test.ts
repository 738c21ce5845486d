// The handlers of other frameworks: where the request is, what is thrown, and what is a mistake.
import { ConfigurationError, IdempotencyError, onEvent } from '@onceguard/core';
import { idempotencyOf, withIdempotency } from '@onceguard/web';
import { next } from '@onceguard/web/next';
import { sveltekit } from '@onceguard/web/sveltekit';
import { describe, expect, test } from 'vitest';
import { isReplay, openStore, protect, requestOf } from './web-testbed.js';

describe('The Request is found', () => {
  test('as the first of several arguments, which the handler gets as they are', async () => {
    const options = { store: openStore(), scope: 'public' as const };
    const worker = withIdempotency(
      async (_request: Request, env: { name: string }, _context: object) => new Response(env.name),
      options,
    );
    expect(await (await worker(requestOf(), { name: 'shop' }, {})).text()).toBe('shop');
  });

  test('in the event of SvelteKit, Remix or Astro, which the functions among the options get', async () => {
    interface Event {
      readonly request: Request;
      readonly locals: { readonly user: string };
    }
    const handle = withIdempotency(
      async (event: Event) => new Response(`${event.locals.user} ${idempotencyOf(event).key}`),
      { store: openStore(), scope: ({ locals }) => locals.user },
    );
    const send = async (user: string) => await handle({ request: requestOf(), locals: { user } });
    expect(await (await send('ann')).text()).toBe('ann key-1');
    const [repeat, other] = [await send('ann'), await send('bob')];
    expect([isReplay(repeat), isReplay(other)]).toEqual([true, false]);
  });

  test.each([
    ['req', (request: Request) => ({ req: request })],
    ['req.raw', (request: Request) => ({ req: { raw: request } })],
  ])('at %s', async (_name, first) => {
    const options = { store: openStore(), scope: 'public' as const };
    const handle = withIdempotency(async (_first: object) => new Response('paid'), options);
    await handle(first(requestOf()));
    expect(isReplay(await handle(first(requestOf())))).toBe(true);
  });

  test('by the option request', async () => {
    const handle = withIdempotency(async (_first: { http: { incoming: Request } }) => new Response('paid'), {
      store: openStore(),
      scope: 'public',
      request: ({ http }) => http.incoming,
    });
    await handle({ http: { incoming: requestOf() } });
    expect(isReplay(await handle({ http: { incoming: requestOf() } }))).toBe(true);
  });
});

describe('A mistake is an error that names the remedy:', () => {
  test('no Request', async () => {
    const handle = withIdempotency(async (_event: object) => new Response('paid'), {
      store: openStore(),
      scope: 'public',
    });
    const error: unknown = await handle({ body: {} }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ message: expect.stringContaining('give the option `request`') });
  });

  test.each([
    ['nothing', undefined, 'undefined instead of a Response'],
    ['an object', { paid: true }, 'an object instead of a Response'],
    ['a text', 'paid', 'a string instead of a Response'],
    ['a network error', Response.error(), 'the status 0'],
  ])('a handler that returns %s, whose key stays free', async (_what, returned, message) => {
    const { handle, runs } = protect(() => returned as Response);
    for (const _ of [1, 2]) await expect(handle(requestOf())).rejects.toThrow(message);
    expect(runs()).toBe(2);
  });

  test('a handler that returns a Response whose body it has read', async () => {
    const { handle } = protect(async () => {
      const response = new Response('paid');
      await response.text();
      return response;
    });
    await expect(handle(requestOf())).rejects.toThrow('whose body was read before');
  });

  test('a missing scope, and every option for the handler that is no function', () => {
    const options = { store: openStore() } as never;
    expect(() => withIdempotency(async (_request: Request) => new Response(), options)).toThrow(/scope is missing/);
    const wrong = { store: openStore(), scope: 'public', responseOf: 1, waitUntil: true } as never;
    expect(() => withIdempotency(async (_request: Request) => new Response(), wrong)).toThrow(
      /responseOf is not a function[\s\S]*waitUntil is not a function/,
    );
  });

  test('idempotencyOf for a request without a key', async () => {
    const { handle } = protect((request) => new Response(idempotencyOf(request).key));
    const error: unknown = await handle(requestOf({ key: '' })).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(IdempotencyError);
    expect(error).toMatchObject({ code: 'context_missing' });
  });

  test('a handler that is wrapped twice runs once, under the outer key, and a warning says so', async () => {
    const store = openStore();
    const warnings: string[] = [];
    const stop = onEvent('warning', ({ code }) => warnings.push(code));
    const { handle, runs } = protect(() => new Response('paid'), { store });
    const twice = withIdempotency(handle, { store, scope: 'public' });
    const [first, replay] = [await twice(requestOf()), await twice(requestOf())];
    stop();
    expect([isReplay(first), isReplay(replay), runs()]).toEqual([false, true, 1]);
    expect(warnings).toEqual(['mounted_twice']);
  });
});

/** As Next and SvelteKit throw them. */
const nextError = (digest: string) => Object.assign(new Error(digest), { digest });

describe('What a framework throws', () => {
  test.each([
    ['redirect() of Next', next, nextError('NEXT_REDIRECT;replace;/receipts/1;307;'), 307, '/receipts/1'],
    ['permanentRedirect() of Next', next, nextError('NEXT_REDIRECT;replace;/r?a=1;b=2;308;'), 308, '/r?a=1;b=2'],
    ['notFound() of Next', next, nextError('NEXT_HTTP_ERROR_FALLBACK;404'), 404, null],
    ['redirect() of SvelteKit', sveltekit, { status: 303, location: '/receipts/1' }, 303, '/receipts/1'],
    ['error() of SvelteKit', sveltekit, { status: 409, body: { message: 'sold out' } }, 409, null],
  ])('by %s is recorded as its response', async (_what, preset, thrown, status, location) => {
    const { handle, runs } = protect(() => {
      throw thrown;
    }, preset);
    const [first, replay] = [await handle(requestOf()), await handle(requestOf())];
    expect([first.status, first.headers.get('Location')]).toEqual([status, location]);
    expect([replay.status, replay.headers.get('Location'), isReplay(replay), runs()]).toEqual([
      status,
      location,
      true,
      1,
    ]);
  });

  test.each([
    ['next', next],
    ['sveltekit', sveltekit],
  ])('is a failure where it is no answer: %s leaves other errors alone', async (_name, { responseOf }) => {
    const others = [new Error('a bug'), nextError('1234'), { status: 500 }, { status: 200, body: {} }, null, 'text'];
    expect(others.map((thrown) => responseOf(thrown))).toEqual(others.map(() => undefined));
  });
});

test('isUnrouted frees the key of a 404 for which no route matched', async () => {
  const unrouted = (response: Response) => response.headers.has('x-no-route');
  const { handle, runs } = protect(
    (request) => new Response(null, { status: 404, headers: request.url.endsWith('/x') ? { 'X-No-Route': '1' } : {} }),
    { isUnrouted: unrouted },
  );
  for (const _ of [1, 2]) await handle(requestOf({ path: '/x' }));
  expect(runs()).toBe(2);
  await handle(requestOf());
  expect([isReplay(await handle(requestOf())), runs()]).toEqual([true, 3]);
});
