// Must hold, 11: a key may come from a layer outside, or from a function of the application.
import { expect, it } from 'vitest';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import type { AppSpec, Handler, Options } from './frameworks.js';
import { send } from './http-client.js';

onEveryFramework('A layer outside that sets the header of the key', (world) => {
  it('counts as its client would: 20 duplicates run once', async () => {
    const outer = [setsHeader(world, (event) => event)];
    const { post, runs } = await startCounting(world, { outer, options: { onInProgress: { waitMs: 30_000 } } });
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await post({ id: 'evt_1' })));
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(['{"run":1}']));
    expect((await post({ id: 'evt_2' })).text).toBe('{"run":2}');
    expect(runs()).toBe(2);
  });

  it('counts for nothing where the client has sent one', async () => {
    const { post } = await startCounting(world, { outer: [setsHeader(world, () => 'one for all')] });
    expect((await post({}, 'a')).text).toBe('{"run":1}');
    expect((await post({}, 'b')).text).toBe('{"run":2}');
  });

  it('may set a list, which is refused as one that was sent', async () => {
    const { post, runs } = await startCounting(world, { outer: [setsHeader(world, () => ['a', 'b'])] });
    expect((await post({})).json()).toMatchObject({ status: 400, code: 'key_invalid' });
    expect(runs()).toBe(0);
  });

  it.each([['undefined'], ['null']])('may set no %s as text', async (text) => {
    const { post, runs } = await startCounting(world, { outer: [setsHeader(world, () => text)] });
    expect((await post({})).json()).toMatchObject({ status: 400, code: 'key_invalid' });
    expect(runs()).toBe(0);
  });
});

onEveryFramework('The option key', (world) => {
  it.each([
    ['at once', (native: unknown) => bodyOf(native).id],
    ['later', async (native: unknown) => bodyOf(native).id],
  ])('gives the key of a request from its body, %s: 20 duplicates run once', async (_title, key) => {
    const { post, runs } = await startCounting(world, { options: { key, onInProgress: { waitMs: 30_000 } } });
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await post({ id: 'evt_1' })));
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(['{"run":1}']));
    expect((await post({ id: 'evt_2' })).text).toBe('{"run":2}');
    expect(runs()).toBe(2);
  });

  it('counts instead of the header', async () => {
    const { post } = await startCounting(world, { options: { key: () => 'evt_1' } });
    expect((await post({}, 'a')).text).toBe('{"run":1}');
    expect((await post({}, 'b')).headers['idempotent-replayed']).toBe('true');
  });

  it('may give none: such a request runs unprotected, or is refused where a key is required', async () => {
    const key = () => undefined;
    const free = await startCounting(world, { options: { key } });
    expect((await free.post({}, 'a')).text).toBe('{"run":1}');
    expect((await free.post({}, 'a')).text).toBe('{"run":2}');
    const strict = await startCounting(world, { options: { key, required: true } });
    expect((await strict.post({}, 'a')).json()).toMatchObject({ status: 400, code: 'key_missing' });
    expect(strict.runs()).toBe(0);
  });

  it.each([
    ['too long', 'x'.repeat(256), 'longer than 255 characters'],
    ['empty', '', 'is empty'],
    ['not ASCII', 'évt', 'printable ASCII'],
    ['of two lines', 'a\nb', 'printable ASCII'],
  ])('may give none that is %s: the client is refused', async (_title, id, said) => {
    const { post, runs } = await startCounting(world, { options: { key: (native: unknown) => bodyOf(native).id } });
    const refused = (await post({ id })).json();
    expect(refused).toMatchObject({ status: 400, code: 'key_invalid', detail: expect.stringContaining(said) });
    expect(runs()).toBe(0);
  });

  it.each([
    ['null', null],
    ['a number', 17],
    ['an object', {}],
    ['"undefined"', 'undefined'],
    ['"order:undefined"', 'order:undefined'],
    ['"[object Promise]"', `${Promise.resolve()}`],
  ])('may not give %s: the error handler gets an Error that names it', async (_title, given) => {
    const handled: unknown[] = [];
    const { post, runs } = await startCounting(world, { options: { key: () => given }, handled });
    expect(await post({})).toMatchObject({ status: 500, text: 'handled' });
    const message = expect.stringContaining('The function key returned');
    expect(handled).toEqual([expect.objectContaining({ code: 'option_invalid', message })]);
    expect(runs()).toBe(0);
  });

  it('takes every printable ASCII character', async () => {
    const { post } = await startCounting(world, { options: { key: () => 'evt 1 "of", {two}\\' } });
    expect((await post({})).text).toBe('{"run":1}');
    expect((await post({})).headers['idempotent-replayed']).toBe('true');
  });
});

interface Native {
  readonly body?: { id?: string };
  readonly request?: { readonly body: { id?: string } };
  readonly headers: Record<string, unknown>;
}

function bodyOf(native: unknown): { id?: string } {
  const { request, body } = native as Native;
  return request?.body ?? body ?? {};
}

/** As receivers of webhooks do: `value` is given the id of the event, which comes in a header of its own. */
function setsHeader(world: Testbed, value: (event: unknown) => unknown): unknown {
  const set = (headers: Record<string, unknown>) => {
    headers['idempotency-key'] = value(headers['x-event']);
  };
  if (world.framework.family === 'koa') {
    return async (ctx: Native, next: () => Promise<void>) => {
      set(ctx.headers);
      await next();
    };
  }
  return (req: Native, _res: unknown, next: () => void) => {
    set(req.headers);
    next();
  };
}

async function startCounting(world: Testbed, spec: { options?: Options } & Pick<AppSpec, 'outer' | 'handled'>) {
  const { store } = await world.openStore();
  let runs = 0;
  const handler: Handler = () => ({ status: 201, body: { run: ++runs } });
  const { port } = await world.start({ store, handler, ...spec });
  const post = async (body: { id?: string }, key?: string) =>
    await send(port, { key, body, headers: { 'x-event': encodeURIComponent(body.id ?? 'none') } });
  return { post, runs: () => runs };
}
