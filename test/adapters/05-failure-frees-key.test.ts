// Requirement 5: after a failure the key is free, and the retry runs as attempt 2.
import { Readable } from 'node:stream';
import type { Request, Response } from 'express';
import createError from 'http-errors';
import type { Context } from 'koa';
import { expect, it } from 'vitest';
import { type EndAndRetryResult, endAndRetry, inFirstAttempt } from './05-end-and-retry.js';
import { onEveryFramework } from './framework-matrix.js';
import type { Handler } from './frameworks.js';
import { newGate } from './gate.js';
import { begin, send } from './http-client.js';

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
      throw createError(503);
    },
  },
  'a thrown 429': {
    status: 429,
    fail: () => {
      throw createError(429);
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

onEveryFramework('The key is free for the retry, which runs as attempt 2, after', (testbed) => {
  it.each(failures)('%d', async (status) => {
    expectFreed(await endAndRetry(testbed, () => ({ status, body: 'It failed.' })), status);
  });

  it.each(notProcessed)('%d, which means "not processed"', async (status) => {
    expectFreed(await endAndRetry(testbed, () => ({ status, body: 'Not now.' })), status);
  });

  it.each(Object.entries(thrown))('%s', async (_title, { status, fail }) => {
    expectFreed(await endAndRetry(testbed, fail), status);
  });

  it.each(Object.entries(waysToNotRespond))('no response: the handler %s', async (_title, handler) => {
    const { first, retry, attempts } = await endAndRetry(testbed, handler);
    expect(first).toBeNull();
    expect([retry.text, attempts]).toEqual(['{"attempt":2}', [1, 2]]);
  });

  it('no response: the handler never ends, and maxExecutionMs and its lease pass', async () => {
    const { store } = await testbed.openStore();
    const began = newGate();
    const { port } = await testbed.start({
      store,
      options: { leaseMs: 300, maxExecutionMs: 300, onInProgress: { waitMs: 30_000 } },
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

  it('404 of an unrouted request', async () => {
    const layer = inFirstAttempt(testbed, { express: (_req, _res, next) => next('router'), koa: () => {} });
    const { first, retry, attempts } = await endAndRetry(testbed, () => ({}), {}, { inner: [layer] });
    expect([first?.status, retry.text, attempts]).toEqual([404, '{"attempt":2}', [2]]);
  });

  // Express 4 does not notice a rejected promise, so nobody can.
  if (testbed.framework.name === 'Express 4') return;
  it('a rejected promise', async () => {
    const fail = async () => await Promise.reject(new Error('It failed.'));
    const layer = inFirstAttempt(testbed, { express: fail, koa: fail });
    const { first, retry, attempts } = await endAndRetry(testbed, () => ({}), {}, { inner: [layer] });
    expect([first?.status, retry.text, attempts]).toEqual([500, '{"attempt":2}', [2]]);
  });
});

onEveryFramework('The key is free after', (testbed) => {
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

onEveryFramework(
  'The key is free for the retry after',
  (testbed) => {
    it('ctx.throw of a 5xx', async () => {
      expectFreed(await endAndRetry(testbed, ({ native }) => (native as Context).throw(502)), 502);
    });

    it('no response: the body stream breaks after its first bytes, and the connection is closed', async () => {
      const { first, retry, attempts } = await endAndRetry(testbed, ({ native }) => {
        (native as Context).body = streamThatBreaksAfter(['{"paid":']);
        return 'native';
      });
      expect([first, retry.text, attempts]).toEqual([null, '{"attempt":2}', [1, 2]]);
    });

    it('a body stream that breaks before its first bytes: Koa 2 sends a 500, Koa 3 no response', async () => {
      const handler: Handler = ({ native }) => {
        (native as Context).body = streamThatBreaksAfter([]);
        return 'native';
      };
      const { first, retry, attempts } = await endAndRetry(testbed, handler);
      const { store } = await testbed.openStore();
      const plain = await testbed.start({ store, handler, plain: true });
      const without = await send(plain.port).catch(() => null);
      expect(first?.status).toBe(without?.status);
      expect([retry.text, attempts]).toEqual(['{"attempt":2}', [1, 2]]);
    });
  },
  { family: 'koa' },
);

onEveryFramework(
  'The key is free for the retry after next(error)',
  (testbed) => {
    it('of a 5xx, whatever status the response had before', async () => {
      const failing = async ({ native }: { native: unknown }) => {
        (native as Request & { res: Response }).res.status(201);
        throw new Error('It failed.');
      };
      expectFreed(await endAndRetry(testbed, failing), 500);
    });
  },
  { family: 'express' },
);

function streamThatBreaksAfter(written: readonly string[]): Readable {
  const source = async function* () {
    yield* written;
    throw new Error('It broke.');
  };
  return Readable.from(source());
}

function expectFreed({ first, retry, attempts }: EndAndRetryResult, status: number): void {
  expect(first?.status).toBe(status);
  expect(first?.headers['idempotency-recorded']).toBeUndefined();
  expect(retry).toMatchObject({ status: 200, text: '{"attempt":2}' });
  expect(retry.headers['idempotent-replayed']).toBeUndefined();
  expect(attempts).toEqual([1, 2]);
}
