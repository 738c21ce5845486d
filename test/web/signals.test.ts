// Who is told when a client leaves: not the handler, by `request.signal`, but whoever asks for it.
import { StoreError } from '@onceguard/core';
import { clientSignalOf, idempotencyOf } from '@onceguard/web';
import { describe, expect, test } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { overrideVerbs } from '../adapters/store-kinds.js';
import { isReplay, openStore, protect, requestOf } from './web-testbed.js';

test('A client that leaves does not abort request.signal, and its retry gets the response', async () => {
  const client = new AbortController();
  const { handle, runs } = protect(async (request) => {
    client.abort();
    expect(request.signal.aborted).toBe(false);
    expect(request.clone().signal.aborted).toBe(false);
    return new Response('paid');
  });
  await handle(requestOf({ signal: client.signal }));
  expect(isReplay(await handle(requestOf()))).toBe(true);
  expect(runs()).toBe(1);
});

test('request.signal is the signal of the execution, and aborts when the lease is lost', async () => {
  const store = openStore();
  const renew: typeof store.renew = async () => ({ kind: 'lost', now: Date.now() });
  const reasons: unknown[] = [];
  const { handle } = protect(
    async (request) => {
      expect(request.signal).toBe(idempotencyOf(request).signal);
      await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
      reasons.push(request.signal.reason);
      return new Response('too late');
    },
    { store: overrideVerbs(store, { renew }), leaseMs: 3_000 },
  );
  await handle(requestOf());
  expect(reasons).toMatchObject([{ code: 'lease_lost' }]);
});

test('clientSignalOf aborts when the client leaves, also while a handler runs under a key', async () => {
  const client = new AbortController();
  const reasons: unknown[] = [];
  const { handle } = protect((request) => {
    clientSignalOf(request).addEventListener('abort', () => reasons.push(clientSignalOf(request).reason));
    client.abort('left');
    expect(request.signal.aborted).toBe(false);
    return new Response('paid');
  });
  await handle(requestOf({ signal: client.signal }));
  expect(reasons).toEqual(['left']);
});

test('Without a key, clientSignalOf is the signal of the request', () => {
  const request = requestOf();
  expect(clientSignalOf(request)).toBe(request.signal);
});

test('A client that leaves stops waiting for the response of another request', async () => {
  const first = newGate();
  const entered = newGate();
  const client = new AbortController();
  const { handle, runs } = protect(
    async () => {
      entered.open();
      await first.opened;
      return new Response('paid');
    },
    { onInProgress: { waitMs: 30_000 } },
  );
  const running = handle(requestOf());
  await entered.opened;
  const waiting = handle(requestOf({ signal: client.signal }));
  client.abort();
  expect((await waiting).status).toBe(409);
  first.open();
  expect([await (await running).text(), runs()]).toEqual(['paid', 1]);
});

describe('waitUntil', () => {
  test('gets the work before anything runs, with what the handler was called with, until the response is recorded', async () => {
    const gate = newGate();
    const store = openStore();
    const complete: typeof store.complete = async (...call) => {
      await gate.opened;
      return await store.complete(...call);
    };
    const works: Promise<unknown>[] = [];
    const { handle, runs } = protect(() => new Response('paid'), {
      store: overrideVerbs(store, { complete }),
      waitUntil: (work, request) => {
        expect([request.method, runs()]).toEqual(['POST', 0]);
        works.push(work);
      },
    });
    let isSettled = false;
    const response = handle(requestOf());
    void works[0]?.then(() => {
      isSettled = true;
    });
    gate.open();
    await response;
    await works[0];
    expect([works.length, isSettled]).toEqual([1, true]);
  });

  test('settles although the handler fails', async () => {
    const works: Promise<unknown>[] = [];
    const { handle } = protect(
      () => {
        throw new Error('no connection');
      },
      { waitUntil: (work) => works.push(work) },
    );
    await expect(handle(requestOf())).rejects.toThrow('no connection');
    await works[0];
  });

  test('waits for what the store could not record at once', async () => {
    const store = openStore();
    let isDown = true;
    const complete: typeof store.complete = async (...call) => {
      if (isDown) throw new StoreError('unavailable', 'the store is down');
      return await store.complete(...call);
    };
    const works: Promise<unknown>[] = [];
    const { handle } = protect(() => new Response('paid'), {
      store: overrideVerbs(store, { complete }),
      waitUntil: (work) => works.push(work),
    });
    const response = await handle(requestOf());
    expect(response.headers.get('Idempotency-Recorded')).toBe('false');
    isDown = false;
    await works[0];
    expect(isReplay(await handle(requestOf()))).toBe(true);
  });

  test('that throws is an error of the request, and nothing runs', async () => {
    const { handle, runs } = protect(() => new Response('paid'), {
      waitUntil: () => {
        throw new Error('outside of a request');
      },
    });
    await expect(handle(requestOf())).rejects.toThrow('outside of a request');
    expect(runs()).toBe(0);
  });
});
