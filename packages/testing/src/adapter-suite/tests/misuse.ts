// Misuse at run time: each mistake is an error, or a warning once, with a stable code.
import { ConfigurationError, type Events, MemoryStore, onEvent } from '@onceguard/core';
import { expect, it } from 'vitest';
import { type AdapterTests, memberOf } from '../adapter-tests.js';
import type { Framework } from '../framework.js';
import { send } from '../support/http-client.js';

export function misuseTests(suite: AdapterTests): void {
  suite.group(
    'A mistake in the options is reported when the application is made, by name, value and remedy',
    ({ framework }) => {
      it.each([
        ['no scope', { scope: undefined }, 'scope is missing', 'whose keys'],
        ['a scope that is only a word', { scope: 'everybody' }, 'scope is "everybody"', 'whose keys'],
        ['an option that does not exist', { leaseMS: 5_000 }, 'leaseMS is not an option', 'leaseMs'],
        ['a duration in words', { leaseMs: '30s' }, 'leaseMs is "30s"', 'write 30000'],
        ['a duration in seconds by mistake', { leaseMs: 0.5 }, 'leaseMs is 0.5', 'whole number of milliseconds'],
        [
          'a life that ends before the lease',
          { leaseMs: 60_000, ttlMs: 1_000 },
          'ttlMs is 1000',
          'at least leaseMs (60000)',
        ],
        [
          'a tombstone that ends before the response',
          { tombstoneMs: 1_000 },
          'tombstoneMs is 1000',
          'at least ttlMs (86400000)',
        ],
        [
          'a policy that does not exist',
          { onAbandoned: 'ignore' },
          'onAbandoned is "ignore"',
          '"rerun", "block", or a function',
        ],
        ['a store that is none', { store: {} }, 'store is an object', 'new MemoryStore()'],
      ])('%s', async (_title, options, problem, remedy) => {
        const mistake = await makeApp(framework, options);
        expect(mistake).toBeInstanceOf(ConfigurationError);
        expect(mistake).toMatchObject({ code: 'option_invalid' });
        expect(String(mistake)).toContain(problem);
        expect(String(mistake)).toContain(remedy);
      });
    },
  );

  suite.group('Misuse at run time', (testbed) => {
    it.runIf(testbed.has('errorHandler')).each([
      ['an empty scope', () => ''],
      ['a scope of undefined', () => undefined],
      ['a scope that is a number', () => 17],
      ['a scope of "undefined"', () => 'undefined'],
      ['a scope of "tenant:null"', () => `tenant:${null}`],
      ['a promise that was put into a scope', () => `${Promise.resolve()}`],
    ])('%s is a scope_missing for the error handler, and nothing runs', async (_title, scope) => {
      let runs = 0;
      const handled: unknown[] = [];
      const handler = () => ({ body: { run: ++runs } });
      const { store } = await testbed.openStore();
      const { port } = await testbed.start({ store, options: { scope }, handler, handled });
      const response = await send(port, { key: 'k' });
      expect([response.status, response.text, runs]).toEqual([500, 'handled', 0]);
      const message = expect.stringContaining('mount the middleware after authentication');
      expect(handled).toEqual([expect.objectContaining({ code: 'scope_missing', message })]);
    });

    it.runIf(testbed.has('nesting', 'innerLayers'))(
      'a middleware that is mounted twice acts once, and warns once',
      async () => {
        const collected: Events['warning'][] = [];
        const stop = onEvent('warning', (event) => collected.push(event));
        const { store } = await testbed.openStore();
        const inner = [memberOf(testbed.framework, 'middleware')(store)];
        let runs = 0;
        const { port } = await testbed.start({ store, inner, handler: () => ({ status: 201, body: { run: ++runs } }) });
        const first = await send(port, { key: 'k' });
        const second = await send(port, { key: 'k' });
        stop();
        expect([first.text, second.text, runs]).toEqual(['{"run":1}', '{"run":1}', 1]);
        // Once per process, whichever test came first.
        expect(collected.filter(({ code }) => code === 'mounted_twice').length).toBeLessThanOrEqual(1);
      },
    );

    it('a closed store gives 503, and nothing runs', async () => {
      const { store } = await testbed.openStore();
      let runs = 0;
      const { port } = await testbed.start({ store, handler: () => ({ body: { run: ++runs } }) });
      await store.close();
      const response = await send(port, { key: 'k' });
      expect([response.status, response.json().code, runs]).toEqual([503, 'store_unavailable', 0]);
    });
  });
}

/** What is thrown when an application with these options is made. */
async function makeApp(framework: Framework, options: object): Promise<unknown> {
  try {
    await framework.listener({ store: new MemoryStore(), handler: () => ({}), options });
  } catch (error) {
    return error;
  }
  return undefined;
}
