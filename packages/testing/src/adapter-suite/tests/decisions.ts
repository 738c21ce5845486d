// A person decides about a request whose outcome is unknown: what its retries get then.
import { type ResolveDoubtOptions, resolveDoubt } from '@onceguard/core';
import { encodeRecoveredResponse, type RecoveredResponse } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import { comparableResponse } from '../support/expect-replay.js';
import { allDoubts } from '../support/list-all-doubts.js';
import { type ShopWithUnknownOutcome, startShopWithUnknownOutcome } from '../support/unknown-outcome.js';

const decision = { by: 'ada@example.com', reason: 'the charge is in the dashboard of the provider' };

const recovered: RecoveredResponse = {
  status: 201,
  headers: { 'Content-Type': 'application/json', Location: '/orders/1' },
  body: '{"charge":"ch_1"}',
};

export function decisionsTests(suite: AdapterTests): void {
  suite.group(
    'After somebody decides',
    (testbed) => {
      const brokenAndDecided = async (
        how: Pick<ResolveDoubtOptions, 'as' | 'outcome'>,
      ): Promise<ShopWithUnknownOutcome> => {
        const shop = await startShopWithUnknownOutcome(testbed, 'block');
        expect((await shop.retry()).json()).toMatchObject({ status: 409, code: 'outcome_unknown' });
        const doubts = await allDoubts(shop.store);
        expect(doubts).toMatchObject([{ recordedSteps: ['reserve'], stepsInDoubt: [{ key: shop.chargeKeys[0] }] }]);
        const { recordName = '', fencingToken = 0 } = doubts[0] ?? {};
        const decided = await resolveDoubt(shop.store, recordName, { ...how, ...decision, fencingToken });
        expect(decided.kind).toBe('ok');
        expect(await allDoubts(shop.store)).toEqual([]);
        return shop;
      };

      it('that it is done, with a response: every retry gets that response', async () => {
        const { retry, acts } = await brokenAndDecided({ as: 'done', outcome: encodeRecoveredResponse(recovered) });
        const response = await retry();
        expect(response).toMatchObject({
          status: 201,
          text: '{"charge":"ch_1"}',
          headers: { 'content-type': 'application/json', location: '/orders/1', 'idempotent-replayed': 'true' },
        });
        expect(comparableResponse(await retry())).toEqual(comparableResponse(response));
        expect(acts).toEqual(['reserve 1', 'charge 1']);
      });

      it('that it is done, without a response: every retry gets 410', async () => {
        const { retry, acts } = await brokenAndDecided({ as: 'done' });
        expect((await retry()).json()).toMatchObject({ status: 410, code: 'expired', completed: true });
        expect(acts).toEqual(['reserve 1', 'charge 1']);
      });

      it('that it is not done: the next retry runs, and resumes after the recorded steps', async () => {
        const { retry, acts } = await brokenAndDecided({ as: 'not_done' });
        expect((await retry()).json()).toEqual({ reserved: 'reserve by attempt 1', charged: 'charge by attempt 2' });
        expect(acts).toEqual(['reserve 1', 'charge 1', 'charge 2']);
      });
    },
    { on: 'each' },
  );
}
