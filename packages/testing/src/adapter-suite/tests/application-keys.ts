// Requirement 11: a key may come from an outer layer, or from a function of the application.
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { AppSpec, Handler, Options } from '../framework.js';
import { send } from '../support/http-client.js';

export function applicationKeysTests(suite: AdapterTests): void {
  suite.group('An outer layer that sets the header of the key', headerTests, { needs: ['nodeLayers'] });

  suite.group('The option key', (testbed) => {
    it.each([
      ['at once', (native: unknown) => idOf(testbed, native)],
      ['later', async (native: unknown) => await idOf(testbed, native)],
    ])('returns the key of a request from its body, %s: 20 duplicates run once', async (_title, key) => {
      const { post, runs } = await startCounting(testbed, { options: { key, onInProgress: { waitMs: 30_000 } } });
      const responses = await Promise.all(Array.from({ length: 20 }, async () => await post({ id: 'evt_1' })));
      expect(new Set(responses.map(({ text }) => text))).toEqual(new Set(['{"run":1}']));
      expect((await post({ id: 'evt_2' })).text).toBe('{"run":2}');
      expect(runs()).toBe(2);
    });

    it('takes precedence over the header', async () => {
      const { post } = await startCounting(testbed, { options: { key: () => 'evt_1' } });
      expect((await post({}, 'a')).text).toBe('{"run":1}');
      expect((await post({}, 'b')).headers['idempotent-replayed']).toBe('true');
    });

    it('may return none: such a request runs unprotected, or is rejected where a key is required', async () => {
      const key = () => undefined;
      const free = await startCounting(testbed, { options: { key } });
      expect((await free.post({}, 'a')).text).toBe('{"run":1}');
      expect((await free.post({}, 'a')).text).toBe('{"run":2}');
      const strict = await startCounting(testbed, { options: { key, required: true } });
      expect((await strict.post({}, 'a')).json()).toMatchObject({ status: 400, code: 'key_missing' });
      expect(strict.runs()).toBe(0);
    });

    it.each([
      ['too long', 'x'.repeat(256), 'longer than 255 characters'],
      ['empty', '', 'is empty'],
      ['not ASCII', 'évt', 'printable ASCII'],
      ['of two lines', 'a\nb', 'printable ASCII'],
    ])('may not return one that is %s: the client gets 400', async (_title, id, reason) => {
      const { post, runs } = await startCounting(testbed, {
        options: { key: (native: unknown) => idOf(testbed, native) },
      });
      const refused = (await post({ id })).json();
      expect(refused).toMatchObject({ status: 400, code: 'key_invalid', detail: expect.stringContaining(reason) });
      expect(runs()).toBe(0);
    });

    it.runIf(testbed.has('errorHandler')).each([
      ['null', null],
      ['a number', 17],
      ['an object', {}],
      ['"undefined"', 'undefined'],
      ['"order:undefined"', 'order:undefined'],
      ['"[object Promise]"', `${Promise.resolve()}`],
    ])('may not return %s: the error handler gets an Error that names it', async (_title, given) => {
      const handled: unknown[] = [];
      const { post, runs } = await startCounting(testbed, { options: { key: () => given }, handled });
      expect(await post({})).toMatchObject({ status: 500, text: 'handled' });
      const message = expect.stringContaining('The function key returned');
      expect(handled).toEqual([expect.objectContaining({ code: 'option_invalid', message })]);
      expect(runs()).toBe(0);
    });

    it('accepts every printable ASCII character', async () => {
      const { post } = await startCounting(testbed, { options: { key: () => 'evt 1 "of", {two}\\' } });
      expect((await post({})).text).toBe('{"run":1}');
      expect((await post({})).headers['idempotent-replayed']).toBe('true');
    });
  });
}

function headerTests(testbed: Testbed): void {
  it("has the effect of a client's header: 20 duplicates run once", async () => {
    const outer = [setsHeader(testbed, (event) => String(event))];
    const { post, runs } = await startCounting(testbed, { outer, options: { onInProgress: { waitMs: 30_000 } } });
    const responses = await Promise.all(Array.from({ length: 20 }, async () => await post({ id: 'evt_1' })));
    expect(new Set(responses.map(({ text }) => text))).toEqual(new Set(['{"run":1}']));
    expect((await post({ id: 'evt_2' })).text).toBe('{"run":2}');
    expect(runs()).toBe(2);
  });

  it('has no effect where the client has sent a key', async () => {
    const { post } = await startCounting(testbed, { outer: [setsHeader(testbed, () => 'one for all')] });
    expect((await post({}, 'a')).text).toBe('{"run":1}');
    expect((await post({}, 'b')).text).toBe('{"run":2}');
  });

  it('may set a list, which is rejected like a list from a client', async () => {
    const { post, runs } = await startCounting(testbed, { outer: [setsHeader(testbed, () => ['a', 'b'])] });
    expect((await post({})).json()).toMatchObject({ status: 400, code: 'key_invalid' });
    expect(runs()).toBe(0);
  });

  it.each([['undefined'], ['null']])('may set no %s as text', async (text) => {
    const { post, runs } = await startCounting(testbed, { outer: [setsHeader(testbed, () => text)] });
    expect((await post({})).json()).toMatchObject({ status: 400, code: 'key_invalid' });
    expect(runs()).toBe(0);
  });
}

type Id = string | undefined;

/** At once where the framework has a parsed body. */
function idOf({ framework }: Testbed, native: unknown): Id | Promise<Id> {
  const body = framework.parsedBody(native);
  const idIn = (parsed: unknown): Id => Object(parsed).id;
  return body instanceof Promise ? body.then(idIn) : idIn(body);
}

/** Like a receiver of webhooks: `value` gets the id of the event, which comes in its own header. */
function setsHeader(testbed: Testbed, value: (event: unknown) => string | string[]): unknown {
  return testbed.nodeLayer((req, _res, next) => {
    Object.assign(req.headers, { 'idempotency-key': value(req.headers['x-event']) });
    next();
  });
}

async function startCounting(testbed: Testbed, spec: { options?: Options } & Pick<AppSpec, 'outer' | 'handled'>) {
  const { store } = await testbed.openStore();
  let runs = 0;
  const handler: Handler = () => ({ status: 201, body: { run: ++runs } });
  const { port } = await testbed.start({ store, handler, ...spec });
  const post = async (body: { id?: string }, key?: string) =>
    await send(port, { key, body, headers: { 'x-event': encodeURIComponent(body.id ?? 'none') } });
  return { post, runs: () => runs };
}
