// Requirement 5: an application decides what a response means for the key.
import { drainStore, type IdempotencyStore } from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Options } from '../framework.js';
import { endAndRetry } from '../support/end-and-retry.js';
import { expectReplay } from '../support/expect-replay.js';
import { send } from '../support/http-client.js';

const withErrors = { status: 200, body: { data: null, errors: [{ message: 'It failed.' }] } };

type Classify = NonNullable<Options['classify']>;

/** Classifies responses with errors so, and leaves all others to their status. */
const ofErrors = (meaning: 'record' | 'retry' | 'unknown'): Classify => {
  return ({ json }) => (JSON.stringify(json())?.includes('errors') ? meaning : undefined);
};

export function classifyOptionTests(suite: AdapterTests): void {
  suite.group('A response that the application classifies as', (testbed) => {
    it.each([{}, httpPaymentPolicy])('record is replayed', async (options) => {
      const { first, retry } = await endAndRetry(testbed, () => withErrors, {
        ...options,
        classify: ofErrors('record'),
      });
      if (first !== null) expectReplay(retry, first);
    });

    it.each([{}, httpPaymentPolicy])('retry frees the key, also under httpPaymentPolicy', async (options) => {
      const { first, retry, attempts } = await endAndRetry(testbed, () => withErrors, {
        ...options,
        classify: ofErrors('retry'),
      });
      expect([first?.json(), retry.text, attempts]).toEqual([withErrors.body, '{"attempt":2}', [1, 2]]);
    });

    it.each([{}, httpPaymentPolicy])(
      'unknown does not run again before somebody decides, also by default',
      async (options) => {
        const classify = ofErrors('unknown');
        const { first, retry, attempts } = await endAndRetry(testbed, () => withErrors, { ...options, classify });
        expect([first?.json(), retry.status, retry.json().code]).toEqual([withErrors.body, 409, 'outcome_unknown']);
        expect(attempts).toEqual([1]);
      },
    );
  });

  suite.group('Where classify', (testbed) => {
    it.each(failing)(
      '%s, the response is withheld, and under httpPaymentPolicy the outcome is unknown',
      async (_title, classify) => {
        const { first, states, runs, retry } = await classifyBadly(testbed, { ...httpPaymentPolicy, classify });
        expect([first.status, first.text.includes('paid'), runs]).toEqual([500, false, 1]);
        expect([states, retry.json().code]).toEqual([['unknown'], 'outcome_unknown']);
      },
    );

    it.each(failing)('%s, the response is withheld, and by default the key is free', async (_title, classify) => {
      const { first, states } = await classifyBadly(testbed, { classify });
      expect([first.status, first.text.includes('paid'), states]).toEqual([500, false, ['retryable']]);
    });
  });
}

const failing: [title: string, Classify][] = [
  [
    'throws',
    () => {
      throw new TypeError('There are no errors.');
    },
  ],
  ['gives what it must not', () => 'done' as never],
  ['gives a promise that fails', () => Promise.reject(new Error('It is asynchronous.')) as never],
];

async function classifyBadly(testbed: Testbed, options: Options) {
  const { store } = await testbed.openStore();
  let runs = 0;
  const handler = () => ({ status: 201, body: { paid: ++runs } });
  const { port } = await testbed.start({ store, options, handler });
  const first = await send(port, { key: 'payment-1' });
  await drainStore(store);
  const states = await statesIn(store);
  return { first, states, runs, retry: await send(port, { key: 'payment-1' }) };
}

async function statesIn(store: IdempotencyStore): Promise<string[]> {
  const states: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.scan({ cursor, limit: 100 });
    states.push(...page.records.map(({ record }) => record.state));
    cursor = page.cursor;
  } while (cursor !== null);
  return states;
}
