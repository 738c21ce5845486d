// Requirement 5: a request that changed nothing can be corrected and sent again under its key.
import { httpPaymentPolicy } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { AppSpec, Call, Handler, Reply } from '../framework.js';
import { inFirstAttempt } from '../support/end-and-retry.js';
import { send } from '../support/http-client.js';

const tooMuch: Reply = { status: 400, body: { error: 'The amount is too high.' } };

/** Sends amount 500, which attempt 1 rejects in the given way, and then 5 under the same key. */
async function refuseAndCorrect(testbed: Testbed, refuse: Handler, spec: Pick<AppSpec, 'inner' | 'options'> = {}) {
  const { store } = await testbed.openStore();
  const charged: number[] = [];
  const amountOf = ({ body }: Call) => Number(Object(body).amount);
  const { port } = await testbed.start({
    store,
    ...spec,
    handler: async (call) => {
      const amount = amountOf(call);
      if (amount > 100) return await refuse(call);
      charged.push(amount);
      return { status: 201, body: { charged: amount } };
    },
  });
  const first = await send(port, { key: 'payment-1', body: { amount: 500 } });
  const corrected = await send(port, { key: 'payment-1', body: { amount: 5 } });
  const repeat = await send(port, { key: 'payment-1', body: { amount: 5 } });
  return { first, corrected, repeat, charged };
}

const policies = [
  ['by default', {}],
  ['with payments', httpPaymentPolicy],
] as const;

export function correctedRequestsTests(suite: AdapterTests): void {
  suite.group('The corrected request is accepted under the same key', (testbed) => {
    it.each(policies)('%s, after a 400 of a handler that called markNothingHappened', async (_title, options) => {
      const refuse: Handler = ({ context }) => {
        context?.markNothingHappened();
        return tooMuch;
      };
      const { first, corrected, repeat, charged } = await refuseAndCorrect(testbed, refuse, { options });
      expect([first.status, corrected.status, repeat.text]).toEqual([400, 201, '{"charged":5}']);
      expect([repeat.headers['idempotent-replayed'], charged]).toEqual(['true', [5]]);
    });

    it.each(policies)('%s, after a 500 of a handler that called markNothingHappened', async (_title, options) => {
      const refuse: Handler = ({ context }) => {
        context?.markNothingHappened();
        throw new Error('It failed.');
      };
      const { first, corrected } = await refuseAndCorrect(testbed, refuse, { options });
      expect([first.status, corrected.status]).toEqual([500, 201]);
    });

    it.each([401, 403, 407, 423, 425, 429])('after a %d, which means "not processed"', async (status) => {
      const { first, corrected } = await refuseAndCorrect(testbed, () => ({ status, body: 'Not now.' }), {
        options: httpPaymentPolicy,
      });
      expect([first.status, corrected.status]).toEqual([status, 201]);
    });

    it.runIf(testbed.has('innerLayers', 'unrouted'))('after a 404 of an unrouted request', async () => {
      const layer = inFirstAttempt(testbed, 'unrouted');
      const { first, corrected } = await refuseAndCorrect(testbed, () => ({}), {
        inner: [layer],
        options: httpPaymentPolicy,
      });
      expect([first.status, corrected.status]).toEqual([404, 201]);
    });
  });

  suite.group('Another payload is rejected under the same key', (testbed) => {
    it('after a 400 of a handler that did not call markNothingHappened', async () => {
      const { first, corrected, charged } = await refuseAndCorrect(testbed, () => tooMuch);
      expect([first.status, corrected.status, corrected.json().code]).toEqual([400, 422, 'key_reused']);
      expect(charged).toEqual([]);
    });

    it.each([500, 408])('after a %d, which frees the key for the same payload only', async (status) => {
      const { corrected } = await refuseAndCorrect(testbed, () => ({ status, body: 'It failed.' }));
      expect([corrected.status, corrected.json().code]).toEqual([422, 'key_reused']);
    });

    it('where a step is on record, because its result belongs to the first payload', async () => {
      const refuse: Handler = async ({ context }) => {
        await context?.step('reserve', () => 'reserved for 500');
        context?.markNothingHappened();
        return tooMuch;
      };
      const { first, corrected } = await refuseAndCorrect(testbed, refuse);
      expect([first.status, corrected.status, corrected.json().code]).toEqual([400, 422, 'key_reused']);
    });
  });
}
