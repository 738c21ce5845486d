// Requirement 5: after a failure the key is free, and the retry runs as attempt 2.

import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import type { Handler } from '../framework.js';
import { endAndRetry, expectFreed, inFirstAttempt } from '../support/end-and-retry.js';
import { newGate } from '../support/gate.js';
import { begin, send } from '../support/http-client.js';
import { httpError } from '../support/http-error.js';

const failures = [408, 500, 501, 502, 503, 504, 599];
const notProcessed = [401, 403, 407, 423, 425, 429];

/** Errors that become a response with this status. */
const thrown: Record<string, { readonly status: number; readonly fail: Handler }> = {
  'an error that is thrown': {
    status: 500,
    fail: () => {
      throw new Error('It failed.');
    },
  },
  'a thrown 503': {
    status: 503,
    fail: () => {
      throw httpError(503);
    },
  },
  'a thrown 429': {
    status: 429,
    fail: () => {
      throw httpError(429);
    },
  },
};

const waysToNotRespond: Record<string, Handler> = {
  'destroys it': ({ res }) => {
    res.destroy();
    return 'raw';
  },
  'destroys it with an error': ({ res }) => {
    res.on('error', () => {});
    res.destroy(new Error('It failed.'));
    return 'raw';
  },
  'writes the beginning of the response and destroys it': ({ res }) => {
    res.statusCode = 200;
    res.write('{"paid":');
    res.destroy();
    return 'raw';
  },
  'sends the beginning of the response and destroys it': ({ res }) => {
    res.statusCode = 200;
    res.flushHeaders();
    res.write('{"paid":');
    res.destroy();
    return 'raw';
  },
};

export function failureFreesKeyTests(suite: AdapterTests): void {
  suite.group('The key is free for the retry, which runs as attempt 2, after', (testbed) => {
    it.each(failures)('%d', async (status) => {
      expectFreed(await endAndRetry(testbed, () => ({ status, body: 'It failed.' })), status);
    });

    it.each(notProcessed)('%d, which means "not processed"', async (status) => {
      expectFreed(await endAndRetry(testbed, () => ({ status, body: 'Not now.' })), status);
    });

    it.each(Object.entries(thrown))('%s', async (_title, { status, fail }) => {
      expectFreed(await endAndRetry(testbed, fail), status);
    });

    it.runIf(testbed.has('raw')).each(Object.entries(waysToNotRespond))(
      'no response: the handler %s',
      async (_title, handler) => {
        const { first, retry, attempts } = await endAndRetry(testbed, handler);
        expect(first).toBeNull();
        expect([retry.text, attempts]).toEqual(['{"attempt":2}', [1, 2]]);
      },
    );

    it('no response: the handler never ends, and maxExecutionMs and its lease pass', async () => {
      const { store } = await testbed.openStore();
      const began = newGate();
      const { port } = await testbed.start({
        store,
        options: { leaseMs: 2_000, maxExecutionMs: 100, onInProgress: { waitMs: 30_000 } },
        handler: async ({ context }) => {
          began.open();
          if (context?.attempt === 1) await newGate().opened;
          return { body: { attempt: context?.attempt, takeover: context?.takeover } };
        },
      });
      const hanging = begin(port, { key: 'payment-1' }).on('error', () => {});
      await began.opened;
      expect(await send(port, { key: 'payment-1' })).toMatchObject({ text: '{"attempt":2,"takeover":true}' });
      hanging.destroy();
    });

    it.runIf(testbed.has('innerLayers', 'unrouted'))('404 of an unrouted request', async () => {
      const layer = inFirstAttempt(testbed, 'unrouted');
      const { first, retry, attempts } = await endAndRetry(testbed, () => ({}), {}, { inner: [layer] });
      expect([first?.status, retry.text, attempts]).toEqual([404, '{"attempt":2}', [2]]);
    });
  });

  suite.group('The key is free after', (testbed) => {
    it('any number of failures, each counted as an attempt', async () => {
      const { store } = await testbed.openStore();
      const { port } = await testbed.start({
        store,
        handler: ({ context }) => ({ status: context?.attempt === 4 ? 200 : 500, body: `attempt ${context?.attempt}` }),
      });
      const texts: string[] = [];
      for (let sent = 0; sent < 5; sent += 1) texts.push((await send(port, { key: 'payment-1' })).text);
      expect(texts).toEqual(['attempt 1', 'attempt 2', 'attempt 3', 'attempt 4', 'attempt 4']);
    });
  });
}
