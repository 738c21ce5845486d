// Steps in handlers: no retry repeats a recorded step, and none silently repeats a step in doubt.
import { deriveKeyFromRecordName, LeaseLostError, resolveDoubt, type StepContext } from '@onceguard/core';
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import type { Handler } from '../framework.js';
import { expectReplay } from '../support/expect-replay.js';
import { newGate } from '../support/gate.js';
import { send } from '../support/http-client.js';
import { allDoubts } from '../support/list-all-doubts.js';
import { nextEvent } from '../support/next-event.js';
import { loseLease } from '../support/takeover.js';

const key = 'order-1';

interface Act {
  readonly step: string;
  readonly key: string;
  readonly attempt: number;
}

/** What the other systems see: which step called, with which key, in which attempt. */
function recordDownstreamCalls() {
  const acts: Act[] = [];
  const act =
    (step: string, fail: (context: StepContext) => void = () => {}) =>
    (context: StepContext) => {
      acts.push({ step, key: context.key, attempt: context.attempt });
      fail(context);
      return `${step} by attempt ${context.attempt}`;
    };
  return { acts, act, steps: () => acts.map(({ step, attempt }) => `${step} ${attempt}`) };
}

/** Throws in the first attempt. */
const failInFirstAttempt = (context: StepContext) => {
  if (context.attempt === 1) throw new Error('The network broke.');
};

export function stepsTests(suite: AdapterTests): void {
  suite.group(
    'A step of a handler',
    (testbed) => {
      it('that is on record does not run again when a failed request is retried', async () => {
        const { acts, act, steps } = recordDownstreamCalls();
        const handler: Handler = async ({ context }) => {
          const reserved = await context?.step('reserve', act('reserve'));
          const charged = await context?.step('charge', act('charge', failInFirstAttempt));
          return { status: 201, body: { reserved, charged } };
        };
        const { store } = await testbed.openStore();
        const { port } = await testbed.start({ store, handler });

        expect((await send(port, { key })).status).toBe(500);
        const retried = await send(port, { key });
        expect(retried.json()).toEqual({ reserved: 'reserve by attempt 1', charged: 'charge by attempt 2' });
        expectReplay(await send(port, { key }), retried);
        expect(steps()).toEqual(['reserve 1', 'charge 1', 'charge 2']);
        expect(acts[1]?.key).toBe(acts[2]?.key);
      });

      it('passes on a key that anyone can derive from the record name, and that no other request has', async () => {
        const { acts, act } = recordDownstreamCalls();
        const handler: Handler = async ({ context }) => {
          await context?.step('charge', act('charge'));
          return { status: 201, body: { key: context?.deriveKey('charge') } };
        };
        const { store } = await testbed.openStore();
        const { port } = await testbed.start({ store, handler });
        const acquired = nextEvent('acquired');
        const mine = await send(port, { key });
        const otherOrder = await send(port, { key: 'order-2' });

        expect(mine.json()).toEqual({ key: acts[0]?.key });
        expect(deriveKeyFromRecordName((await acquired).recordName, 'charge')).toBe(acts[0]?.key);
        expect(otherOrder.json().key).not.toBe(acts[0]?.key);
        expect(acts[0]?.key).not.toContain(key);
      });

      it.each(['rerun', 'block'] as const)(
        'that may run at most once and fails makes the outcome unknown under %s, until somebody decides',
        async (onAbandoned) => {
          const { act, steps } = recordDownstreamCalls();
          const handler: Handler = async ({ context }) => {
            await context?.step('reserve', act('reserve'));
            const mailed = await context?.step('mail', act('mail', failInFirstAttempt), { atMostOnce: true });
            return { status: 201, body: { mailed } };
          };
          const { store } = await testbed.openStore();
          const { port } = await testbed.start({ store, handler, options: { onAbandoned } });

          expect((await send(port, { key })).status).toBe(500);
          const refused = { status: 409, code: 'outcome_unknown', retryable: false, completed: 'unknown' };
          expect((await send(port, { key })).json()).toMatchObject(refused);
          expect((await send(port, { key })).json()).toMatchObject(refused);
          const doubts = await allDoubts(store);
          expect(doubts).toMatchObject([
            { state: 'unknown', recordedSteps: ['reserve'], stepsInDoubt: [{ name: 'mail' }] },
          ]);
          expect(steps()).toEqual(['reserve 1', 'mail 1']);

          await resolveDoubt(store, doubts[0]?.recordName ?? '', {
            as: 'not_done',
            by: 'Ada',
            reason: 'no mail left the server',
          });
          expect((await send(port, { key })).json()).toEqual({ mailed: 'mail by attempt 2' });
          expect(steps()).toEqual(['reserve 1', 'mail 1', 'mail 2']);
        },
      );

      it('that calls markNothingHappened before it fails leaves the key free, and runs again', async () => {
        const { act, steps } = recordDownstreamCalls();
        const refusedAtFirst = (context: StepContext) => {
          if (context.attempt === 1) context.markNothingHappened();
          failInFirstAttempt(context);
        };
        const handler: Handler = async ({ context }) => {
          const mailed = await context?.step('mail', act('mail', refusedAtFirst), { atMostOnce: true });
          return { status: 201, body: { mailed } };
        };
        const { store } = await testbed.openStore();
        const { port } = await testbed.start({ store, handler });

        expect((await send(port, { key })).status).toBe(500);
        expect((await send(port, { key })).json()).toEqual({ mailed: 'mail by attempt 2' });
        expect(steps()).toEqual(['mail 1', 'mail 2']);
      });

      it('does not begin after the lease was lost, and is not recorded if it was under way then', async () => {
        const { act, steps } = recordDownstreamCalls();
        const responded = newGate();
        const charges: (Promise<unknown> | undefined)[] = [];
        const rejected: unknown[] = [];
        const first = await loseLease(testbed, {
          options: { leaseMs: 3_000 },
          begin: async ({ context }) => {
            await context?.step('reserve', act('reserve'));
            const charging = context?.step('charge', async (step) => responded.opened.then(() => act('charge')(step)));
            charging?.catch(() => {});
            charges.push(charging);
            return {};
          },
          reply: async ({ context }) => {
            responded.open();
            await charges[0]?.catch((error: unknown) => rejected.push(error));
            await context?.step('ship', act('ship')).catch((error: unknown) => rejected.push(error));
            throw new Error('Nothing more can be done.');
          },
        });
        first.finish();
        expect((await first.response).json()).toMatchObject({ status: 409, code: 'in_progress' });
        expect(rejected).toEqual([expect.any(LeaseLostError), expect.any(LeaseLostError)]);

        const handler: Handler = async ({ context }) => {
          const reserved = await context?.step('reserve', act('reserve'));
          const charged = await context?.step('charge', act('charge'));
          return { status: 201, body: { reserved, charged } };
        };
        const next = await testbed.start({
          store: first.store,
          handler,
          options: { onInProgress: { waitMs: 30_000 } },
        });
        const response = { reserved: 'reserve by attempt 1', charged: 'charge by attempt 2' };
        expect((await send(next.port, { key: 'payment-1' })).json()).toEqual(response);
        expect(steps()).toEqual(['reserve 1', 'charge 1', 'charge 2']);
      });
    },
    { on: 'each' },
  );
}
