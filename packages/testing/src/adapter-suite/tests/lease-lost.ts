// Requirement 6: an owner that has lost its lease changes nothing, and its caller gets the current state of the record.
import { type IdempotencyStore, LeaseLostError } from '@onceguard/core';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Handler, Options, Reply } from '../framework.js';
import { newGate } from '../support/gate.js';
import { type ReceivedResponse, send } from '../support/http-client.js';
import { overrideVerbs } from '../support/override-verbs.js';
import { loseLease, type OvertakenRequest, takeOver } from '../support/takeover.js';
import { untilAborted } from '../support/until-aborted.js';

interface Row {
  /** Brings the record into its state at the time when the first owner responds. */
  arrange(testbed: Testbed, first: OvertakenRequest): Promise<void>;
  readonly status: number;
  /** Members of the problem document, or of the replayed response. */
  readonly body: object;
  readonly headers?: object;
}

const retryAtOnce = { status: 409, body: { code: 'in_progress', retryAfterMs: 0 }, headers: { 'retry-after': '1' } };
type Given = Exclude<Reply, string>;

const secondResponse: Given = { status: 202, body: { paidBy: 'the second' } };
const failure: Given = { status: 503, body: 'It failed.' };

const rows: Record<string, Row> = {
  'completed: its response, replayed': {
    arrange: async (testbed, first) => await completeAsAnother(testbed, first, secondResponse),
    status: 202,
    body: { paidBy: 'the second' },
    headers: { 'idempotent-replayed': 'true' },
  },
  'completed and no longer kept: 410': {
    arrange: async (testbed, first) => await completeAsAnother(testbed, first, secondResponse, { maxOutcomeBytes: 1 }),
    status: 410,
    body: { code: 'expired', completed: true, originalStatus: 202 },
  },
  'in progress at another owner: 409 with Retry-After': {
    arrange: async (testbed, first) => {
      const { began, response } = await takeOver(testbed, first, {
        reply: () => newGate().opened.then(() => secondResponse),
      });
      response.catch(() => {});
      await began;
    },
    status: 409,
    body: { code: 'in_progress', retryable: true },
    headers: { 'retry-after': expect.stringMatching(/^[1-9]/) },
  },
  'released by another owner, so that the next may run: 409, to be retried at once': {
    arrange: async (testbed, first) => await completeAsAnother(testbed, first, failure),
    ...retryAtOnce,
  },
  'removed by an operator: 409, to be retried at once': {
    arrange: async (_world, { store, recordName }) => void (await store.remove(recordName)),
    ...retryAtOnce,
  },
  'unknown: 409 outcome_unknown': {
    arrange: async (testbed, first) => await completeAsAnother(testbed, first, failure, { onFailure: 'unknown' }),
    status: 409,
    body: { code: 'outcome_unknown', retryable: false, completed: 'unknown' },
  },
  'of another payload: 422': {
    arrange: async (testbed, first) => {
      await first.store.remove(first.recordName);
      const { response } = await takeOver(testbed, first, {
        reply: () => secondResponse,
        sent: { body: { amount: 11 } },
      });
      expect((await response).status).toBe(202);
    },
    status: 422,
    body: { code: 'key_reused' },
  },
};

export function leaseLostTests(suite: AdapterTests): void {
  suite.group(
    'A handler that loses its lease',
    (testbed) => {
      it.each(Object.keys(rows))(
        'changes nothing, and its caller gets the current state of the record. %s',
        async (title) => {
          const row = rows[title];
          if (row === undefined) throw new Error(title);
          const first = await loseLease(testbed);
          expect(first.abortReason).toBeInstanceOf(LeaseLostError);
          await row.arrange(testbed, first);
          const received = await expectNoChange(first);
          expect(received).toMatchObject({ status: row.status, headers: row.headers ?? {} });
          expect(received.json()).toMatchObject(row.body);
        },
      );

      it('and whose duplicates wait, waits too, and its caller gets the recorded response', async () => {
        const first = await loseLease(testbed, { options: { onInProgress: { waitMs: 30_000 } } });
        const gate = newGate();
        const second = await takeOver(testbed, first, { reply: () => gate.opened.then(() => secondResponse) });
        await second.began;
        first.finish();
        gate.open();
        const received = await first.response;
        expect(received).toMatchObject({ status: 202, headers: { 'idempotent-replayed': 'true' } });
        expect(received.text).toBe((await second.response).text);
      });

      it('and then fails, does not free the key of the new owner, and its caller gets the new owner’s response', async () => {
        const first = await loseLease(testbed, { reply: () => failure });
        await completeAsAnother(testbed, first, secondResponse);
        expect(await expectNoChange(first)).toMatchObject({ status: 202, headers: { 'idempotent-replayed': 'true' } });
      });

      it('and then fails, leaves the key to the next caller, which runs as attempt 2', async () => {
        const first = await loseLease(testbed, { reply: () => failure });
        expect((await expectNoChange(first)).json()).toMatchObject({ status: 409, code: 'in_progress' });
        await completeAsAnother(testbed, first, secondResponse);
        expect((await first.store.read(first.recordName)).record).toMatchObject({ attempt: 2, takeover: true });
      });

      it.runIf(testbed.has('raw'))(
        'with its response half sent, has its connection cut, so that the client does not take it for the whole response',
        async () => {
          const first = await loseLease(testbed, {
            begin: ({ res }) => {
              res.writeHead(200);
              res.flushHeaders();
              res.write('{"paidBy":');
              return 'raw';
            },
            reply: ({ res }) => {
              res.end('"the first"}');
              return 'raw';
            },
          });
          await completeAsAnother(testbed, first, secondResponse);
          first.finish();
          await expect(first.response).rejects.toThrow();
        },
      );

      it('but was not overtaken, completes', async () => {
        const first = await loseLease(testbed);
        first.finish();
        const received = await first.response;
        expect(received).toMatchObject({ status: 201, text: '{"paidBy":"the first"}' });
        const { response } = await takeOver(testbed, first, { reply: () => secondResponse });
        expect(await response).toMatchObject({ text: received.text, headers: { 'idempotent-replayed': 'true' } });
      });

      it('learns it from the store at its next renewal', async () => {
        const { store } = await testbed.openStore();
        const began = newGate();
        let name = '';
        let reason: unknown;
        const handler: Handler = async ({ context }) => {
          began.open();
          if (context !== undefined) await untilAborted(context.signal);
          reason = context?.signal.reason;
          return secondResponse;
        };
        const acquire: IdempotencyStore['acquire'] = async (record, request) => {
          name = record;
          return await store.acquire(record, request);
        };
        const { port } = await testbed.start({
          store: overrideVerbs(store, { acquire }),
          options: { leaseMs: 4_500 },
          handler,
        });
        const pending = send(port, { key: 'payment-1' });
        await began.opened;
        await store.remove(name);
        expect(await pending).toMatchObject({ status: 409 });
        expect(String(reason)).toContain('another owner has taken over');
      });
    },
    { on: 'last' },
  );
}

async function completeAsAnother(
  testbed: Testbed,
  first: OvertakenRequest,
  reply: Given,
  options: Options = {},
): Promise<void> {
  const { response } = await takeOver(testbed, first, { reply: () => reply, options });
  expect((await response).status).toBe(reply.status);
}

async function expectNoChange({ store, recordName, finish, response }: OvertakenRequest): Promise<ReceivedResponse> {
  const { record } = await store.read(recordName);
  finish();
  const received = await response;
  expect((await store.read(recordName)).record).toEqual(record);
  return received;
}
