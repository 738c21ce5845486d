// Requirement 5: where the framework knows when a handler has ended, a retry does not run beside one that still works.

import { once } from 'node:events';
import { drainStore, type IdempotencyStore } from '@onceguard/core';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Handler, NodeLayer, Options, TimeoutLayer } from '../framework.js';
import { newGate } from '../support/gate.js';
import { begin, send } from '../support/http-client.js';
import { overrideVerbs } from '../support/override-verbs.js';
import { type TimedOutRequest, timeOutFirstAttempt, timeoutLayersOf } from '../support/timed-out-request.js';

const layersThatShowTheHandler = (testbed: Testbed) => timeoutLayersOf(testbed).filter(([, { keepsKey }]) => keepsKey);

function firstLayer(testbed: Testbed): TimeoutLayer {
  const [first] = layersThatShowTheHandler(testbed);
  if (first === undefined) throw new Error('The registration has no time-out layer that keeps the key.');
  return first[1];
}

const timedOut = async (testbed: Testbed, options: Options = {}, begins?: Handler): Promise<TimedOutRequest> =>
  await timeOutFirstAttempt(testbed, firstLayer(testbed), options, begins);

export function handlerOutlivesResponseTests(suite: AdapterTests): void {
  suite.group(
    'A handler that still runs after a time-out response',
    (testbed) => {
      it.each(layersThatShowTheHandler(testbed))('by %s keeps its key until it ends', async (_title, layer) => {
        const { port, store, attempts, finish } = await timeOutFirstAttempt(testbed, layer, {});
        const during = await send(port, { key: 'payment-1' });
        expect([during.status, during.json().code, attempts]).toEqual([409, 'in_progress', [1]]);
        await finish();
        await drainStore(store);
        expect((await send(port, { key: 'payment-1' })).text).toBe('{"attempt":2}');
      });

      it('renews its lease until it ends', async () => {
        const renewed = newGate();
        const { port, finish } = await timedOutWith(testbed, { leaseMs: 3_000 }, (store) => {
          let renewals = 0;
          return overrideVerbs(store, {
            renew: async (lease, leaseMs) => {
              // Longer than a lease, which is renewed every third of it.
              if (++renewals > 4) renewed.open();
              return await store.renew(lease, leaseMs);
            },
          });
        });
        await renewed.opened;
        expect((await send(port, { key: 'payment-1' })).json()).toMatchObject({ code: 'in_progress' });
        await finish();
      });

      it('and never ends loses its key at maxExecutionMs, and drainStore no longer waits for it', async () => {
        const { port, store, attempts } = await timedOut(testbed, {
          leaseMs: 2_000,
          maxExecutionMs: 100,
          onInProgress: { waitMs: 30_000 },
        });
        expect((await send(port, { key: 'payment-1' })).text).toBe('{"attempt":2}');
        expect(attempts).toEqual([1, 2]);
        expect(await drainStore(store)).toBe(true);
      });

      it('is awaited by drainStore', async () => {
        const { port, store, finish } = await timedOut(testbed);
        expect(await drainStore(store, { timeoutMs: 20 })).toBe(false);
        await finish();
        expect(await drainStore(store)).toBe(true);
        expect((await send(port, { key: 'payment-1' })).text).toBe('{"attempt":2}');
      });

      it('passes the steps that it records until its end to the next attempt', async () => {
        const [mayRecord, recorded] = [newGate(), newGate()];
        let charges = 0;
        const { port, store, finish } = await timedOut(testbed, {}, ({ context }) => {
          const charging = context?.step('charge', async () => {
            await mayRecord.opened;
            charges += 1;
            return 'charged';
          });
          void charging?.then(recorded.open);
          return {};
        });
        mayRecord.open();
        await recorded.opened;
        await finish();
        await drainStore(store);
        const again = await testbed.start({
          store,
          handler: async ({ context }) => ({
            body: await context?.step('charge', () => {
              charges += 1;
              return 'charged again';
            }),
          }),
        });
        expect(again.port).not.toBe(port);
        expect([(await send(again.port, { key: 'payment-1' })).text, charges]).toEqual(['charged', 1]);
      });

      it('and finally fails frees its key', async () => {
        const { port, store, finish } = await timeOutFirstAttempt(testbed, firstLayer(testbed), {}, undefined, () => {
          throw new Error('It failed.');
        });
        await finish();
        await drainStore(store);
        expect((await send(port, { key: 'payment-1' })).text).toBe('{"attempt":2}');
      });
    },
    { on: 'each', needs: ['handlerEnd', 'timeouts'] },
  );

  suite.group(
    'A handler whose connection an outer layer has closed',
    (testbed) => {
      it('keeps its key until it ends', async () => {
        const { store } = await testbed.openStore();
        const [began, mayEnd] = [newGate(), newGate()];
        const cut: NodeLayer = (_req, res, next) => {
          void began.opened.then(() => res.destroy());
          next();
        };
        const handler: Handler = async () => {
          began.open();
          await mayEnd.opened;
          throw new Error('It failed.');
        };
        const first = await testbed.start({ store, inner: [testbed.nodeLayer(cut)], handler });
        const second = await testbed.start({
          store,
          handler: ({ context }) => ({ body: { attempt: context?.attempt } }),
        });
        await once(begin(first.port, { key: 'payment-1' }), 'error');
        expect((await send(second.port, { key: 'payment-1' })).json()).toMatchObject({ code: 'in_progress' });
        mayEnd.open();
        await drainStore(store);
        expect((await send(second.port, { key: 'payment-1' })).text).toBe('{"attempt":2}');
      });
    },
    { on: 'each', needs: ['handlerEnd', 'innerLayers', 'nodeLayers', 'raw'] },
  );
}

async function timedOutWith(
  testbed: Testbed,
  options: Options,
  wrapped: (store: IdempotencyStore) => IdempotencyStore,
): Promise<TimedOutRequest> {
  const openStore: Testbed['openStore'] = async () => {
    const opened = await testbed.openStore();
    return { ...opened, store: wrapped(opened.store) };
  };
  return await timeOutFirstAttempt({ ...testbed, openStore }, firstLayer(testbed), options);
}
