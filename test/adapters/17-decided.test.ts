// A person decides about a request whose outcome is unknown: what its retries get then.
import { type ResolveOptions, resolve } from '@onceguard/core';
import { type AnswerFound, encodeAnswer } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import { allDoubts } from './16-doubts.js';
import { brokenShop, type Shop } from './17-asking.js';
import { onEveryFramework } from './matrix.js';
import { essence } from './replay.js';

const decision = { by: 'ada@example.com', reason: 'the charge is in the dashboard of the provider' };

const found: AnswerFound = {
  status: 201,
  headers: { 'Content-Type': 'application/json', Location: '/orders/1' },
  body: '{"charge":"ch_1"}',
};

onEveryFramework('Somebody who decides', (world) => {
  const brokenAndDecided = async (how: Pick<ResolveOptions, 'as' | 'outcome'>): Promise<Shop> => {
    const shop = await brokenShop(world, 'block');
    expect((await shop.retry()).json()).toMatchObject({ status: 409, code: 'outcome_unknown' });
    const doubts = await allDoubts(shop.store);
    expect(doubts).toMatchObject([{ recordedSteps: ['reserve'], stepsInDoubt: [{ key: shop.chargeKeys[0] }] }]);
    const { name = '', fencingToken = 0 } = doubts[0] ?? {};
    const decided = await resolve(shop.store, name, { ...how, ...decision, fencingToken });
    expect(decided.kind).toBe('ok');
    expect(await allDoubts(shop.store)).toEqual([]);
    return shop;
  };

  it('that it is done, with an answer: every retry gets that', async () => {
    const { retry, acts } = await brokenAndDecided({ as: 'done', outcome: encodeAnswer(found) });
    const answer = await retry();
    expect(answer).toMatchObject({
      status: 201,
      text: '{"charge":"ch_1"}',
      headers: { 'content-type': 'application/json', location: '/orders/1', 'idempotent-replayed': 'true' },
    });
    expect(essence(await retry())).toEqual(essence(answer));
    expect(acts).toEqual(['reserve 1', 'charge 1']);
  });

  it('that it is done, without an answer: every retry is told that it is', async () => {
    const { retry, acts } = await brokenAndDecided({ as: 'done' });
    expect((await retry()).json()).toMatchObject({ status: 410, code: 'response_expired', completed: true });
    expect(acts).toEqual(['reserve 1', 'charge 1']);
  });

  it('that it is not done: the next retry runs, and goes on from the recorded steps', async () => {
    const { retry, acts } = await brokenAndDecided({ as: 'not_done' });
    expect((await retry()).json()).toEqual({ reserved: 'reserve by attempt 1', charged: 'charge by attempt 2' });
    expect(acts).toEqual(['reserve 1', 'charge 1', 'charge 2']);
  });
});

it.each<[string, AnswerFound]>([
  ['a status', { ...found, status: 700 }],
  ['a header', { ...found, headers: { Location: '/orders/1\n' } }],
])('encodeAnswer refuses %s that could not be sent', (_what, answer) => {
  expect(() => encodeAnswer(answer)).toThrow(expect.objectContaining({ code: 'option_invalid' }));
});
