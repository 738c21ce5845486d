// A function finds out what happened to a request whose outcome is unknown, and gives the response for its client.
import { STATUS_CODES } from 'node:http';
import { type RecoverContext, recoverAll, recovery } from '@onceguard/core';
import { encodeRecoveredResponse, httpPaymentPolicy, type RecoveredResponse } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import { comparableResponse } from '../support/expect-replay.js';
import { send } from '../support/http-client.js';
import { allDoubts } from '../support/list-all-doubts.js';
import { nextEvent } from '../support/next-event.js';
import { loseLease } from '../support/takeover.js';
import { startShopWithUnknownOutcome } from '../support/unknown-outcome.js';

interface Row {
  readonly recovered: RecoveredResponse;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

const recoveredResponses: Record<string, Row> = {
  'text and headers': {
    recovered: { status: 201, headers: { 'Content-Type': 'application/json', Location: '/orders/1' }, body: '{"é":1}' },
    headers: { 'content-type': 'application/json', location: '/orders/1', 'content-length': '8' },
    body: Buffer.from('{"é":1}'),
  },
  'bytes, and a header of two lines': {
    recovered: { status: 200, headers: { 'Set-Cookie': ['a=1', 'b=2'] }, body: new Uint8Array([0, 255]) },
    headers: { 'set-cookie': ['a=1', 'b=2'] },
    body: Buffer.from([0, 255]),
  },
  'a refusal of the other system': { recovered: { status: 402, body: 'declined' }, body: Buffer.from('declined') },
  'nothing but a status': { recovered: { status: 204 }, body: Buffer.alloc(0) },
  'framing, which is not its to decide': {
    recovered: { status: 200, headers: { 'Content-Length': '1', Connection: 'upgrade' }, body: 'whole' },
    headers: { 'content-length': '5', connection: 'close' },
    body: Buffer.from('whole'),
  },
};

const invalid: Record<string, { readonly recovered: unknown; readonly message: string }> = {
  'a status that is none': {
    recovered: { status: 99 },
    message: 'status is 99; it must be a whole number from 200 to 599',
  },
  'a header of two lines in one': {
    recovered: { status: 200, headers: { 'X-Note': 'one\r\nX-Other: two' } },
    message: 'headers.X-Note',
  },
  'a header without a proper name': {
    recovered: { status: 200, headers: { 'X Note': 'one' } },
    message: 'headers.X Note',
  },
  'a body that is an object': { recovered: { status: 200, body: { id: 1 } }, message: 'for JSON write JSON.stringify' },
};

export function recoveryTests(suite: AdapterTests): void {
  suite.group('An onAbandoned function', (testbed) => {
    it.each(Object.entries(recoveredResponses))(
      'gives the response, now and later: %s',
      async (_title, { recovered, headers, body }) => {
        let calls = 0;
        const { retry, acts } = await startShopWithUnknownOutcome(testbed, () => {
          calls += 1;
          return recovery.done(recovered);
        });
        const first = await retry();
        const { connection, ...expectedHeaders }: Record<string, unknown> = {
          ...headers,
          'idempotent-replayed': 'true',
        };
        expect(first).toMatchObject({ status: recovered.status, headers: expectedHeaders });
        if (testbed.framework.transport === 'HTTP/1') expect(first.headers.connection).toBe(connection ?? 'close');
        expect(first.reason).toEqual(testbed.reasonPhrase(STATUS_CODES[recovered.status]));
        expect(first.body.equals(body)).toBe(true);
        expect(comparableResponse(await retry())).toEqual(comparableResponse(first));
        expect([calls, acts]).toEqual([1, ['reserve 1', 'charge 1']]);
      },
    );

    it('gets the recorded steps, those in doubt with their keys, and the request of the framework', async () => {
      const contexts: RecoverContext[] = [];
      const { retry, chargeKeys } = await startShopWithUnknownOutcome(testbed, (context, request) => {
        contexts.push(context);
        return recovery.done({ status: 200, body: `for ${testbed.framework.header(request, 'X-User')}` });
      });
      expect((await retry({ 'x-user': 'alice' })).text).toBe('for alice');
      expect(contexts).toMatchObject([
        {
          key: 'order-1',
          attempt: 2,
          recordedSteps: new Map([['reserve', 'reserve by attempt 1']]),
          stepsInDoubt: [{ name: 'charge', key: chargeKeys[0] }],
        },
      ]);
      expect(contexts[0]?.deriveKey('charge')).toBe(chargeKeys[0]);
    });

    it('that finds nothing done lets the handler resume after the recorded steps', async () => {
      const { retry, acts, chargeKeys } = await startShopWithUnknownOutcome(testbed, () => recovery.notDone());
      const response = await retry();
      expect(response.json()).toEqual({ reserved: 'reserve by attempt 1', charged: 'charge by attempt 2' });
      expect(response.headers['idempotent-replayed']).toBeUndefined();
      expect(acts).toEqual(['reserve 1', 'charge 1', 'charge 2']);
      expect(chargeKeys[1]).toBe(chargeKeys[0]);
    });

    it('that cannot tell yet has the client told when to retry, and is not called before', async () => {
      let calls = 0;
      const { retry, acts } = await startShopWithUnknownOutcome(testbed, () => {
        calls += 1;
        return recovery.stillUnknown(90_000);
      });
      const first = await retry();
      expect(first.json()).toMatchObject({ status: 409, code: 'outcome_unknown', retryAfterMs: 90_000 });
      expect(first.headers['retry-after']).toBe('90');
      const again = await retry();
      expect(again.json()).toMatchObject({ status: 409, code: 'outcome_unknown' });
      expect(again.json().retryAfterMs).toBeLessThanOrEqual(90_000);
      expect(again.headers['retry-after']).toMatch(/^[1-9]\d?$/);
      expect([calls, acts]).toEqual([1, ['reserve 1', 'charge 1']]);
    });

    it('that cannot tell when it will know is called by every retry', async () => {
      let calls = 0;
      const { retry } = await startShopWithUnknownOutcome(testbed, () => {
        calls += 1;
        return recovery.stillUnknown();
      });
      for (const times of [1, 2]) {
        const response = await retry();
        expect(response.json()).toMatchObject({ status: 409, code: 'outcome_unknown' });
        expect([response.headers['retry-after'], calls]).toEqual([undefined, times]);
      }
    });

    it('that throws decides nothing: the application sends its error, and the next retry calls it again', async () => {
      let calls = 0;
      const { store, retry, acts } = await startShopWithUnknownOutcome(testbed, () => {
        calls += 1;
        if (calls === 1) throw new Error('The bank is closed.');
        return recovery.done({ status: 201, body: 'paid' });
      });
      expect((await retry()).status).toBe(500);
      expect(await allDoubts(store)).toMatchObject([{ state: 'unknown' }]);
      expect(await retry()).toMatchObject({ status: 201, text: 'paid' });
      expect([calls, acts]).toEqual([2, ['reserve 1', 'charge 1']]);
    });

    it.each(Object.entries(invalid))(
      'that gives what cannot be sent causes an error that says so, and nothing is recorded: %s',
      async (_title, { recovered, message }) => {
        const given = [recovery.done(recovered as RecoveredResponse), recovery.done({ status: 201, body: 'paid' })];
        const { store, retry } = await startShopWithUnknownOutcome(testbed, () => given.shift() ?? recovery.notDone());
        const misconfigured = nextEvent('misconfigured');
        expect((await retry()).status).toBe(500);
        const { code, error } = await misconfigured;
        expect([code, error.message]).toEqual(['option_invalid', expect.stringContaining(message)]);
        expect(await allDoubts(store)).toMatchObject([{ state: 'unknown' }]);
        expect(await retry()).toMatchObject({ status: 201, text: 'paid' });
      },
    );

    it.each([
      ['a response without recovery.done(…)', { status: 201, body: 'paid' }],
      ['nothing', undefined],
    ])('that gives %s has decided nothing: the handler does not run', async (_what, given) => {
      const { store, retry, acts } = await startShopWithUnknownOutcome(testbed, () => given as never);
      expect((await retry()).status).toBe(500);
      expect(await allDoubts(store)).toMatchObject([{ state: 'unknown' }]);
      expect(acts).toEqual(['reserve 1', 'charge 1']);
    });

    it('is called about a request that failed under httpPaymentPolicy, and lets it run where nothing was done', async () => {
      const { store } = await testbed.openStore();
      const attempts: number[] = [];
      const { port } = await testbed.start({
        store,
        options: { ...httpPaymentPolicy, onAbandoned: () => recovery.notDone() },
        handler: ({ context }) => {
          attempts.push(context?.attempt ?? 0);
          return attempts.length === 1
            ? { status: 502, body: 'The bank does not respond.' }
            : { status: 201, body: 'paid' };
        },
      });
      expect((await send(port, { key: 'order-1' })).status).toBe(502);
      expect(await send(port, { key: 'order-1' })).toMatchObject({ status: 201, text: 'paid' });
      expect(attempts).toEqual([1, 2]);
    });

    it('is called about an owner that vanished, whose late response then has no effect', async () => {
      const onAbandoned = () => recovery.done({ status: 201, body: 'paid, says the bank' });
      const first = await loseLease(testbed, { options: { leaseMs: 1_000, onAbandoned } });
      const options = { onAbandoned, onInProgress: { waitMs: 30_000 } };
      const handler = () => ({ status: 201, body: 'run again' });
      const { port } = await testbed.start({ store: first.store, handler, options });
      expect(await send(port, { key: 'payment-1' })).toMatchObject({ status: 201, text: 'paid, says the bank' });
      first.finish();
      expect(await first.response).toMatchObject({
        text: 'paid, says the bank',
        headers: { 'idempotent-replayed': 'true' },
      });
    });
  });

  suite.group('recoverAll', (testbed) => {
    it('with encodeRecoveredResponse gives the responses that later retries get', async () => {
      const { store, retry, acts } = await startShopWithUnknownOutcome(testbed, () => recovery.stillUnknown());
      const recover = () => recovery.done({ status: 201, headers: { 'X-Found': 'yes' }, body: 'paid' });
      expect(await recoverAll(store, { recover, encode: encodeRecoveredResponse, limit: 1_000_000 })).toMatchObject({
        done: 1,
      });
      const response = await retry();
      expect(response).toMatchObject({ status: 201, text: 'paid', headers: { 'x-found': 'yes' } });
      expect(response.headers['idempotent-replayed']).toBe('true');
      expect(acts).toEqual(['reserve 1', 'charge 1']);
    });
  });
}
