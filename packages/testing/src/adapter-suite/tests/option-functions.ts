// Whatever an option function does, nothing runs unprotected, and an error handler gets an Error.
import { httpPaymentPolicy } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Handler, Options } from '../framework.js';
import { send } from '../support/http-client.js';
import { nextEvent } from '../support/next-event.js';
import { startShopWithUnknownOutcome } from '../support/unknown-outcome.js';

/** Thrown values that are no Error. Express takes some of these for "go on", or for the name of a route. */
const values: [title: string, value: unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['an empty string', ''],
  ['the string "route"', 'route'],
  ['the string "router"', 'router'],
  ['zero', 0],
  ['false', false],
  ['an object', { status: 401 }],
];
const failureWays: [how: string, fail: (value: unknown) => unknown][] = [
  [
    'throws',
    (value) => {
      throw value;
    },
  ],
  ['rejects with', async (value) => await Promise.reject(value)],
];
const everyFailure = failureWays.flatMap(([how, fail]) =>
  values.map(([title, value]) => [how, title, () => fail(value), value] as const),
);

export function optionFunctionsTests(suite: AdapterTests): void {
  suite.group('An option function,', optionTests, { needs: ['errorHandler'] });

  suite.group(
    'Without an error handler of the application',
    (testbed) => {
      const wrong: Record<string, Options> = {
        'a scope that is missing': { scope: () => undefined },
        'a fingerprint that is none': { fingerprint: () => 17 },
        'a renderProblem that throws': { required: true, key: () => undefined, renderProblem: fails },
        'an isFinal that throws': { isFinal: fails },
      };
      it.each(Object.entries(wrong))(
        'the client gets a plain 500 that does not reveal the cause: %s',
        async (_title, options) => {
          const { store } = await testbed.openStore();
          const handler: Handler = () => ({ status: 201, body: 'paid' });
          const { port } = await testbed.start({ store, handler, options, env: 'production' });
          const misconfigured = nextEvent('misconfigured');
          const response = await send(port, { key: 'k' });
          expect(response.status).toBe(500);
          if (testbed.has('errorTitles')) expect(response.text).toMatch(/Internal Server Error/i);
          expect(response.text).not.toMatch(/scope|fingerprint|renderProblem|isFinal|option|onceguard/i);
          const { error } = await misconfigured;
          expect(error.stack).toContain(error.message);
        },
      );
    },
    { needs: ['hiddenErrors'] },
  );
}

function optionTests(testbed: Testbed): void {
  for (const name of ['scope', 'key', 'skip', 'fingerprint'] as const) {
    it.each(everyFailure)(
      `${name}, that %s %s: the error handler gets an Error that names it`,
      async (_how, _title, fail, value) => {
        const { post, runs, handled } = await startCounting(testbed, { ...httpPaymentPolicy, [name]: fail });
        expect(await post()).toMatchObject({ status: 500, text: 'handled' });
        expectNamed(handled, name);
        expect(handled[0]).toHaveProperty('cause', value);
        expect(runs()).toBe(0);
      },
    );

    it(`${name}, that rejects with an Error: the error handler gets that Error`, async () => {
      const error = Object.assign(new Error('Sign in.'), { status: 401 });
      const { post, runs, handled } = await startCounting(testbed, { [name]: async () => await Promise.reject(error) });
      expect(await post()).toMatchObject({ status: 500, text: 'handled' });
      expect(handled).toEqual([error]);
      expect(handled[0]).toBe(error);
      expect(runs()).toBe(0);
    });

    it(`${name}, that never settles: after callbackTimeoutMs the error handler gets an Error that names it`, async () => {
      const never = () => new Promise(() => {});
      const { post, runs, handled } = await startCounting(testbed, { [name]: never, callbackTimeoutMs: 20 });
      expect(await post()).toMatchObject({ status: 500, text: 'handled' });
      expectNamed(handled, name);
      expect(runs()).toBe(0);
    });
  }

  it.each(everyFailure)(
    'onAbandoned, that %s %s: the outcome stays unknown, and an event names it',
    async (_how, _title, fail, value) => {
      let calls = 0;
      const { retry, acts } = await startShopWithUnknownOutcome(testbed, () => {
        calls += 1;
        return fail() as never;
      });
      const misconfigured = nextEvent('misconfigured');
      const statusOfCause = Object(value).status ?? 500;
      expect((await retry()).status).toBe(testbed.has('ownStatuses') ? 500 : statusOfCause);
      expectNamed([(await misconfigured).error], 'onAbandoned');
      expect([calls, acts]).toEqual([1, ['reserve 1', 'charge 1']]);
    },
  );

  it.each(everyFailure)(
    'renderProblem, that %s %s: the error handler gets an Error that names it',
    async (_how, _title, fail) => {
      const { post, runs, handled } = await startCounting(testbed, { required: true, renderProblem: fail as never });
      expect(await post({ key: undefined })).toMatchObject({ status: 500, text: 'handled' });
      expectNamed(handled, 'renderProblem');
      expect(runs()).toBe(0);
    },
  );

  it.each([
    ['nothing', undefined],
    ['no content type', { body: 'no' }],
    ['a content type of two lines', { contentType: 'text/plain\r\nX-Other: 1', body: 'no' }],
    ['a body that is no JSON', { contentType: 'text/plain', body: { n: 1n } }],
    ['a header of two lines', { contentType: 'text/plain', body: 'no', headers: { 'X-A': 'a\r\nb' } }],
    ['a status that is none', { contentType: 'text/plain', body: 'no', status: 17 }],
  ])('renderProblem, that returns %s: the error handler gets an Error that names it', async (_title, given) => {
    const { post, runs, handled } = await startCounting(testbed, {
      required: true,
      renderProblem: () => given as never,
    });
    expect(await post({ key: undefined })).toMatchObject({ status: 500, text: 'handled' });
    expectNamed(handled, 'renderProblem');
    expect(runs()).toBe(0);
  });

  it.each(everyFailure)(
    'isFinal, that %s %s: the client gets a plain 500, and an event names it',
    async (_how, _title, fail) => {
      const { post, runs } = await startCounting(testbed, { ...httpPaymentPolicy, isFinal: fail as never });
      const misconfigured = nextEvent('misconfigured');
      expect(await post()).toMatchObject({ status: 500, text: 'Internal Server Error' });
      expectNamed([(await misconfigured).error], 'isFinal');
      expect((await post()).json()).toMatchObject({ code: 'outcome_unknown' });
      expect(runs()).toBe(1);
    },
  );
}

function fails(): never {
  throw new Error('Of no concern to a client.');
}

function expectNamed(errors: readonly unknown[], name: string): void {
  expect(errors).toHaveLength(1);
  const [error] = errors;
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ code: 'option_invalid', message: expect.stringMatching(new RegExp(`\\b${name}\\b`)) });
}

async function startCounting(testbed: Testbed, options: Options) {
  const { store } = await testbed.openStore();
  let runs = 0;
  const handled: unknown[] = [];
  const handler: Handler = () => ({ status: 201, body: { run: ++runs } });
  const { port } = await testbed.start({ store, handler, options, handled });
  const post = async ({ key }: { key: string | undefined } = { key: 'k' }) => await send(port, { key });
  return { post, handled, runs: () => runs };
}
