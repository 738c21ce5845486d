// Requirement 5: a time-out response is sent while the handler works, and the work is not repeated unless the policy
// allows it.
import { drainStore } from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import { newGate } from '../support/gate.js';
import { send } from '../support/http-client.js';
import { timeOutFirstAttempt, timeoutLayersOf } from '../support/timed-out-request.js';

export function timeoutsTests(suite: AdapterTests): void {
  suite.group(
    'Under httpPaymentPolicy, a handler does not run again after a time-out response of',
    (testbed) => {
      it.each(timeoutLayersOf(testbed))('%s', async (_title, layer) => {
        const { port, first, attempts, finish } = await timeOutFirstAttempt(testbed, layer, httpPaymentPolicy);
        expect(first.status).toBe(layer.status);
        const during = await send(port, { key: 'payment-1' });
        await finish();
        const after = await send(port, { key: 'payment-1' });
        for (const retry of [during, after])
          expect([retry.status, retry.json().code]).toEqual([409, 'outcome_unknown']);
        expect(attempts).toEqual([1]);
      });

      it.each(timeoutLayersOf(testbed))('%s, unless it called markNothingHappened', async (_title, layer) => {
        const { port, store, attempts, finish } = await timeOutFirstAttempt(
          testbed,
          layer,
          httpPaymentPolicy,
          ({ context }) => {
            context?.markNothingHappened();
            return {};
          },
        );
        await finish();
        await drainStore(store);
        expect((await send(port, { key: 'payment-1' })).text).toBe('{"attempt":2}');
        expect(attempts).toEqual([1, 2]);
      });
    },
    { on: 'each', needs: ['timeouts'] },
  );

  suite.group(
    'By default the signal of a handler aborts, because its key is free for a retry, after',
    (testbed) => {
      it.each(timeoutLayersOf(testbed))('%s', async (_title, layer) => {
        const aborted = newGate();
        let reason: unknown;
        const { port, first, attempts, finish } = await timeOutFirstAttempt(testbed, layer, {}, ({ context }) => {
          const { signal } = context ?? {};
          signal?.addEventListener('abort', () => {
            reason = signal.reason;
            aborted.open();
          });
          return {};
        });
        await aborted.opened;
        expect(first.status).toBe(layer.status);
        expect(reason).toMatchObject({ name: 'LeaseLostError', code: 'lease_lost' });
        expect(String(reason)).toContain('free for a retry');
        const retry = await send(port, { key: 'payment-1' });
        expect(retry.status).toBe(layer.keepsKey ? 409 : 200);
        expect(attempts).toEqual(layer.keepsKey ? [1] : [1, 2]);
        await finish();
      });
    },
    { on: 'each', needs: ['timeouts'] },
  );

  suite.group(
    'A handler that asks for its signal after its key was freed',
    (testbed) => {
      it('gets an aborted one', async () => {
        const [layer] = timeoutLayersOf(testbed).map(([, one]) => one);
        const gate = newGate();
        let signal: (() => AbortSignal | undefined) | undefined;
        if (layer === undefined) throw new Error('There is no layer to test with.');
        const { finish } = await timeOutFirstAttempt(testbed, layer, {}, ({ context }) => {
          signal = () => context?.signal;
          gate.open();
          return {};
        });
        await gate.opened;
        expect(signal?.()?.aborted).toBe(true);
        await finish();
      });
    },
    { on: 'each', needs: ['timeouts'] },
  );
}
