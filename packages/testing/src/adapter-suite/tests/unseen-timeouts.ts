// Requirement 5: an outer layer responds while the handler works, and the adapter does not see that response.
import { httpPaymentPolicy } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Handler, Options, UnseenTimeoutLayer } from '../framework.js';
import { type ReceivedResponse, send } from '../support/http-client.js';
import { timeOutFirstAttempt } from '../support/timed-out-request.js';

export function unseenTimeoutsTests(suite: AdapterTests): void {
  const layers = Object.entries(suite.framework.unseenTimeouts ?? {});
  if (layers.length === 0) return;
  suite.group(
    'While a handler works whose client has a response of',
    (testbed) => {
      it.each(layers)('%s, its key is in progress, and its own response counts', async (_title, layer) => {
        const { during, after, runs } = await timedOut(testbed, layer, {}, respond);
        expect([during.status, during.json().code]).toEqual([409, 'in_progress']);
        expect(after).toMatchObject(layer.keepsResponse ? firstAttempt : { status: 200, text: 'attempt 2' });
        expect(runs).toBe(layer.keepsResponse ? 1 : 2);
      });

      it.each(layers)('%s, it is the only one to run under httpPaymentPolicy', async (_title, layer) => {
        const { during, after, runs } = await timedOut(testbed, layer, httpPaymentPolicy, respond);
        expect([during.status, during.json().code]).toEqual([409, 'in_progress']);
        if (layer.keepsResponse) expect(after).toMatchObject(firstAttempt);
        else expect([after.status, after.json().code]).toEqual([409, 'outcome_unknown']);
        expect(runs).toBe(1);
      });

      it.each(layers)('%s, its key is free once it fails', async (_title, layer) => {
        const { after, runs } = await timedOut(testbed, layer, {}, () => {
          throw new Error('It failed.');
        });
        expect([after.text, runs]).toEqual(['attempt 2', 2]);
      });
    },
    { on: 'each' },
  );
}

const respond: Handler = ({ context }) => ({ status: 201, body: `attempt ${context?.attempt}` });
const firstAttempt = { status: 201, text: 'attempt 1', headers: { 'idempotent-replayed': 'true' } };

interface TimedOut {
  /** The response to a retry while the handler of attempt 1 works, and to one after it has ended. */
  readonly during: ReceivedResponse;
  readonly after: ReceivedResponse;
  readonly runs: number;
}

async function timedOut(
  testbed: Testbed,
  layer: UnseenTimeoutLayer,
  options: Options,
  end: Handler,
): Promise<TimedOut> {
  const { port, store, first, attempts, finish } = await timeOutFirstAttempt(testbed, layer, options, undefined, end);
  expect(first.status).toBe(layer.status);
  let laterRuns = 0;
  const waiting = await testbed.start({
    store,
    options: { ...options, onInProgress: { waitMs: 30_000 } },
    handler: ({ context }) => {
      laterRuns += 1;
      return { status: 200, body: `attempt ${context?.attempt}` };
    },
  });
  const during = await send(port, { key: 'payment-1' });
  await finish();
  const after = await send(waiting.port, { key: 'payment-1' });
  return { during, after, runs: attempts.length + laterRuns };
}
