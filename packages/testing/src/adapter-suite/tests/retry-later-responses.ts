// Requirement 5: "come back later" is not final, whether a handler says it with Retry-After or a guarded service behind
// a gateway.
import { httpPaymentPolicy } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Handler, Options } from '../framework.js';
import { endAndRetry } from '../support/end-and-retry.js';
import { expectReplay } from '../support/expect-replay.js';
import { newGate } from '../support/gate.js';
import { send } from '../support/http-client.js';

const comeBackLater: Record<string, Handler> = {
  'a 409 with Retry-After in seconds': () => ({ status: 409, headers: { 'Retry-After': '2' }, body: 'Busy.' }),
  'a 413 with Retry-After as a date': () => ({
    status: 413,
    headers: { 'retry-after': 'Sun, 29 Nov 2026 12:00:00 GMT' },
    body: 'Full.',
  }),
  'a 422 with Retry-After': () => ({ status: 422, headers: { 'Retry-After': '0' }, body: { error: 'Locked.' } }),
};

export function retryLaterResponsesTests(suite: AdapterTests): void {
  suite.group('Not recorded is', (testbed) => {
    it.each(Object.entries(comeBackLater))('%s: the retry runs', async (_title, handler) => {
      const { retry, attempts } = await endAndRetry(testbed, handler);
      expect([retry.text, attempts]).toEqual(['{"attempt":2}', [1, 2]]);
    });

    it.each(Object.entries(comeBackLater))(
      '%s: under httpPaymentPolicy the outcome is unknown',
      async (_title, handler) => {
        const { retry, attempts } = await endAndRetry(testbed, handler, httpPaymentPolicy);
        expect([retry.status, retry.json().code, attempts]).toEqual([409, 'outcome_unknown', [1]]);
      },
    );

    it('a gateway that forwards in_progress of a guarded service: the retry gets the service’s response', async () => {
      const { first, retry, code } = await requestThroughGateway(testbed, {});
      expect([first.status, code]).toEqual([409, 'in_progress']);
      expect([retry.status, retry.text]).toEqual([201, '{"paid":true}']);
    });

    it('a gateway that forwards in_progress of a guarded service: under httpPaymentPolicy the outcome is unknown', async () => {
      const { first, retry } = await requestThroughGateway(testbed, httpPaymentPolicy);
      expect(first.status).toBe(409);
      expect([retry.status, retry.json().code]).toEqual([409, 'outcome_unknown']);
    });
  });

  suite.group('Recorded is', (testbed) => {
    it.each([200, 303])('a %d with Retry-After', async (status) => {
      const reply = { status, headers: { 'Retry-After': '2' }, body: 'Accepted.' };
      const { first, retry, attempts } = await endAndRetry(testbed, () => reply);
      if (first !== null) expectReplay(retry, first);
      expect(attempts).toEqual([1]);
    });

    it('a rejection by a guarded service that says not to retry', async () => {
      const problem = { type: 'urn:onceguard:problem:key_reused', code: 'key_reused', retryable: false };
      const reply = {
        status: 422,
        headers: { 'Content-Type': 'application/problem+json' },
        body: JSON.stringify(problem),
      };
      const { retry, attempts } = await endAndRetry(testbed, () => reply);
      expect([retry.status, attempts]).toEqual([422, [1]]);
    });
  });
}

/**
 * A guarded service, and a guarded gateway that calls it while it works. The gateway forwards status, type and body.
 */
async function requestThroughGateway(testbed: Testbed, options: Options) {
  const [began, mayEnd] = [newGate(), newGate()];
  const service = await testbed.start({
    store: (await testbed.openStore()).store,
    handler: async () => {
      began.open();
      await mayEnd.opened;
      return { status: 201, body: { paid: true } };
    },
  });
  const gateway = await testbed.start({
    store: (await testbed.openStore()).store,
    options,
    handler: async () => {
      const { status, headers, text } = await send(service.port, { key: 'charge-1' });
      return { status, headers: { 'Content-Type': String(headers['content-type']) }, body: text };
    },
  });
  const direct = send(service.port, { key: 'charge-1' });
  await began.opened;
  const first = await send(gateway.port, { key: 'payment-1' });
  mayEnd.open();
  await direct;
  return { first, code: first.json().code, retry: await send(gateway.port, { key: 'payment-1' }) };
}
