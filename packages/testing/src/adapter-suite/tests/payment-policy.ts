// Requirement 5: under `httpPaymentPolicy` a failed request is not run again unless it is known that nothing happened.
import { httpPaymentPolicy } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Handler, Options } from '../framework.js';
import { endAndRetry, inFirstAttempt } from '../support/end-and-retry.js';
import { expectReplay } from '../support/expect-replay.js';
import { send } from '../support/http-client.js';
import { httpError } from '../support/http-error.js';

/** Without `raw`, a handler cannot close the connection. */
const failingOf = (testbed: Testbed) =>
  Object.entries(failing).filter(([title]) => title !== 'no response' || testbed.has('raw'));

const failing: Record<string, { readonly status: number | undefined; readonly handler: Handler }> = {
  'a 500': { status: 500, handler: () => ({ status: 500, body: 'It failed.' }) },
  'a 503': { status: 503, handler: () => ({ status: 503, body: 'It failed.' }) },
  'a thrown error': {
    status: 500,
    handler: () => {
      throw new Error('It failed.');
    },
  },
  'a thrown 502': {
    status: 502,
    handler: () => {
      throw httpError(502);
    },
  },
  'no response': {
    status: undefined,
    handler: ({ res }) => {
      res.destroy();
      return 'raw';
    },
  },
};

export function paymentPolicyTests(suite: AdapterTests): void {
  suite.group('Under httpPaymentPolicy,', (testbed) => {
    it.each(failingOf(testbed))('%s ends as outcome_unknown', async (_title, { status, handler }) => {
      const { first, retry, attempts } = await endAndRetry(testbed, handler, httpPaymentPolicy);
      expect(first?.status).toBe(status);
      expect(retry.status).toBe(409);
      expect(retry.json()).toMatchObject({ code: 'outcome_unknown', retryable: false, completed: 'unknown' });
      expect(retry.headers['retry-after']).toBeUndefined();
      expect(attempts).toEqual([1]);
    });

    it.each(failingOf(testbed))('%s frees the key if the handler called markNothingHappened', async (_title, row) => {
      const handler: Handler = (call) => {
        call.context?.markNothingHappened();
        return row.handler(call);
      };
      const { first, retry, attempts } = await endAndRetry(testbed, handler, httpPaymentPolicy);
      expect(first?.status).toBe(row.status);
      expect([retry.text, attempts]).toEqual(['{"attempt":2}', [1, 2]]);
    });

    it.each([200, 303])('a %d is replayed, whatever the handler marked before', async (status) => {
      const handler: Handler = ({ context }) => {
        context?.markNothingHappened();
        return { status, body: { marked: true } };
      };
      const { first, retry, attempts } = await endAndRetry(testbed, handler, httpPaymentPolicy);
      expect(first?.status).toBe(status);
      if (first !== null) expectReplay(retry, first);
      expect(attempts).toEqual([1]);
    });

    it.each([401, 429])('a %d, which means "not processed", frees the key', async (status) => {
      const { retry, attempts } = await endAndRetry(testbed, () => ({ status, body: 'Not now.' }), httpPaymentPolicy);
      expect([retry.text, attempts]).toEqual(['{"attempt":2}', [1, 2]]);
    });

    it.runIf(testbed.has('raw'))(
      'a 401 that the handler has written to the response itself frees the key',
      async () => {
        const handler: Handler = async ({ res }) => {
          res.statusCode = 401;
          res.end('Sign in.');
          await Promise.resolve();
          return 'raw' as const;
        };
        const { retry, attempts } = await endAndRetry(testbed, handler, httpPaymentPolicy);
        expect([retry.text, attempts]).toEqual(['{"attempt":2}', [1, 2]]);
      },
    );

    it.runIf(testbed.has('innerLayers', 'unrouted'))('a 404 of an unrouted request frees the key', async () => {
      const layer = inFirstAttempt(testbed, 'unrouted');
      const { first, retry } = await endAndRetry(testbed, () => ({}), httpPaymentPolicy, { inner: [layer] });
      expect([first?.status, retry.text]).toEqual([404, '{"attempt":2}']);
    });

    it('a 5xx that isFinal accepts is replayed', async () => {
      const options: Options = { ...httpPaymentPolicy, isFinal: ({ status }) => status === 500 };
      const { first, retry } = await endAndRetry(testbed, () => ({ status: 500, body: 'For good.' }), options);
      if (first !== null) expectReplay(retry, first);
    });

    it('a request without a key is rejected as key_missing, and does not run', async () => {
      const { store } = await testbed.openStore();
      let runs = 0;
      const handler = () => {
        runs += 1;
        return {};
      };
      const { port } = await testbed.start({ store, handler, options: httpPaymentPolicy });
      const refused = await send(port);
      expect([refused.status, refused.json().code, runs]).toEqual([400, 'key_missing', 0]);
    });
  });
}
