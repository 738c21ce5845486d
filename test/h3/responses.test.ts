// What a handler of h3 may return or throw: each form is sent as h3 sends it, and replayed the same.
import { type H3Event, HTTPError, html, redirect, setCookie } from 'h3';
import { describe, expect, test } from 'vitest';
import { comparable, headers, listen, newApp, payment, protect, replayed } from './h3-testbed.js';

const forms: Readonly<Record<string, (event: H3Event) => unknown>> = {
  'an object': () => ({ paid: true }),
  text: () => 'paid',
  HTML: () => html`<p>${'paid'}</p>`,
  bytes: () => new Uint8Array([1, 2, 3]),
  'a Response': () => new Response('paid', { status: 201, headers: { 'X-Paid': 'yes' } }),
  'a stream': () => new Response('paid').body,
  null: () => null,
  'a redirect': () => redirect('/done'),
  'a status and headers on the event': (event) => {
    event.res.status = 202;
    event.res.headers.set('X-Paid', 'yes');
    return { paid: true };
  },
  'a promise': async () => ({ paid: true }),
};

describe('A response that is', () => {
  test.each(Object.entries(forms))(
    '%s: it is the one that bare h3 sends, and its replay is the same',
    async (_form, handler) => {
      const send = async (origin: string) => await fetch(`${origin}/payments`, { ...payment, redirect: 'manual' });
      const bare = await comparable(await send(await listen(newApp().post('/payments', handler))));
      const guarded = await listen(newApp().use(protect()).post('/payments', handler));
      const [first, repeat] = [await send(guarded), await send(guarded)];
      expect([replayed(first), replayed(repeat)]).toEqual([null, 'true']);
      expect(await comparable(first)).toEqual(bare);
      expect(await comparable(repeat)).toEqual(bare);
    },
  );
});

test('Cookies of the handler go out once, each on its own line, and are not replayed', async () => {
  const app = newApp();
  app.use((event) => setCookie(event, 'outer', '1'));
  app.use(protect());
  app.post('/payments', (event) => {
    setCookie(event, 'one', '1');
    setCookie(event, 'two', '2');
    return 'paid';
  });
  const cookies = (response: Response) => response.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0]);
  expect(cookies(await app.request('/payments', payment))).toEqual(['outer=1', 'one=1', 'two=2']);
  const repeat = await app.request('/payments', payment);
  expect([replayed(repeat), await repeat.text(), cookies(repeat)]).toEqual(['true', 'paid', ['outer=1']]);
});

test('Headers that outer middleware sets are those of each request, on replays too', async () => {
  const app = newApp();
  let requests = 0;
  app.use((event) => void event.res.headers.set('X-Request-Id', String(++requests)));
  app.use(protect());
  app.post('/payments', () => 'paid');
  const id = async () => (await app.request('/payments', payment)).headers.get('X-Request-Id');
  expect([await id(), await id()]).toEqual(['1', '2']);
});

describe('An error that the handler throws', () => {
  test('with a final status is the response that h3 makes of it, and is replayed', async () => {
    let runs = 0;
    const app = newApp();
    app.use(protect());
    app.post('/payments', () => {
      runs += 1;
      throw new HTTPError({ status: 422, message: 'No such currency.', data: { currency: 'XXX' } });
    });
    const [first, repeat] = [await app.request('/payments', payment), await app.request('/payments', payment)];
    expect(await first.json()).toMatchObject({ status: 422, message: 'No such currency.', data: { currency: 'XXX' } });
    expect([repeat.status, replayed(repeat), runs]).toEqual([422, 'true', 1]);
  });

  test('for no reason that it names is a 500 that hides its message, and the next request runs', async () => {
    let runs = 0;
    const app = newApp();
    app.use(protect());
    app.post('/payments', () => {
      runs += 1;
      if (runs === 1) throw new Error('The password is wrong.');
      return 'paid';
    });
    const first = await app.request('/payments', payment);
    expect([first.status, (await first.text()).includes('password')]).toEqual([500, false]);
    expect(await (await app.request('/payments', payment)).text()).toBe('paid');
  });
});

test('A key of another payload is refused with 422', async () => {
  const app = newApp();
  app.use(protect());
  app.post('/payments', async (event) => await event.req.json());
  expect(await (await app.request('/payments', payment)).json()).toEqual({ cents: 10 });
  const other = await app.request('/payments', { method: 'POST', headers, body: '{"cents":11}' });
  expect([other.status, (await other.json()).code]).toEqual([422, 'key_reused']);
});
