// The recipe for RabbitMQ against a real broker: the record of a message decides how it is settled.
import { executeIdempotently, recovery, resolveDoubt } from '@onceguard/core';
import { failsBefore } from '@onceguard/testing';
import { describe, expect, test, vi } from 'vitest';
import { copyTo, unpark } from '../../examples/rabbitmq-jobs/queues.js';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { emptyQueues } from './broker.js';
import { eventually, recipeForEachTest } from './recipe-harness.js';
import { doubtsIn } from './stored-records.js';

const recipe = recipeForEachTest();

describe('A job that is done', () => {
  test('is acknowledged with its result, and so is every copy of it, which does not run', async () => {
    const work = vi.fn(() => ({ number: work.mock.calls.length }));
    await recipe().start(work);
    await recipe().broker.send('order-1', { item: 'tea' }, 3);
    await recipe().untilReplied('order-1', 3);
    expect(recipe().broker.replies.get('order-1')).toEqual([{ number: 1 }, { number: 1 }, { number: 1 }]);
    expect(work).toHaveBeenCalledTimes(1);
    expect(await recipe().broker.queueLengths()).toEqual(emptyQueues);
  });

  test('is acknowledged when its result is no longer kept', async () => {
    const work = vi.fn(() => 'done');
    await recipe().start(work, { leaseMs: 100, ttlMs: 100, tombstoneMs: 60_000 });
    await recipe().broker.send('order-1');
    await recipe().untilReplied('order-1', 1);
    await eventually(async () => {
      await recipe().broker.send('order-1');
      expect(recipe().broker.replies.get('order-1')).toContain(undefined);
    });
    expect(work).toHaveBeenCalledTimes(1);
    expect(new Set(recipe().decisionKinds)).toEqual(new Set(['acknowledge']));
  });

  test('is settled from the record where the channel was lost before it could be acknowledged', async () => {
    const channel = await recipe().broker.open();
    const work = vi.fn(async () => {
      // The work continues, and its message is delivered again meanwhile.
      await channel.close();
      return 'done';
    });
    const first = await recipe().start(work, {}, channel);
    await recipe().broker.send('order-1');
    await first.closed;
    await recipe().start(work);
    await recipe().untilReplied('order-1', 1);
    expect(work).toHaveBeenCalledTimes(1);
    expect(recipe().decisionKinds.at(-1)).toBe('acknowledge');
  });
});

test('A job that runs elsewhere is delayed, uses up no attempt, and gets the other attempt’s result', async () => {
  const gate = newGate();
  const work = vi.fn(async () => {
    await gate.opened;
    return 'from the first';
  });
  await recipe().start(work, { maxAttempts: 1 });
  await recipe().broker.send('order-1', {}, 2);
  await eventually(() => expect(recipe().decisionKinds.filter((kind) => kind === 'delay').length).toBeGreaterThan(1));
  gate.open();
  await recipe().untilReplied('order-1', 2);
  expect(recipe().broker.replies.get('order-1')).toEqual(['from the first', 'from the first']);
  // A requeued message would come again at once, hundreds of times a second.
  expect(recipe().decisionKinds.length).toBeLessThan(50);
  expect(work).toHaveBeenCalledTimes(1);
  expect(await recipe().broker.queueLengths()).toEqual(emptyQueues);
});

describe('A job whose outcome is unknown', () => {
  /** An attempt that began and never ended. */
  const leaveUnknown = async () => {
    const fail = async () => {
      throw new Error('the connection broke');
    };
    const { store } = recipe();
    const attempt = executeIdempotently(fail, { store, scope: 'tests', key: 'order-1', onFailure: 'unknown' });
    await expect(attempt).rejects.toThrow('the connection broke');
  };

  test('is parked with the reason, and settled once somebody has decided', async () => {
    await leaveUnknown();
    const work = vi.fn(() => 'again');
    const consumer = await recipe().start(work, { fingerprint: false });
    await recipe().broker.send('order-1');
    await eventually(async () => expect(await recipe().broker.queueLengths()).toEqual({ ...emptyQueues, parked: 1 }));
    await consumer.stop();

    const [doubt] = await doubtsIn(recipe().store);
    const decision = { as: 'done', result: 'found out', by: 'ada', reason: 'seen in the dashboard' } as const;
    await resolveDoubt(recipe().store, String(doubt?.recordName), {
      ...decision,
      fencingToken: Number(doubt?.fencingToken),
    });
    const parked = await recipe().broker.take(recipe().broker.queues.parked);
    expect(parked.properties.headers?.reason).toContain('OutcomeUnknownError');
    await copyTo(recipe().broker.channel, recipe().broker.queues.parked, parked);
    expect(await unpark(recipe().broker.channel, recipe().broker.queues)).toBe(1);
    await recipe().start(work, { fingerprint: false });
    await recipe().untilReplied('order-1', 1);
    expect(recipe().broker.replies.get('order-1')).toEqual(['found out']);
    expect(work).not.toHaveBeenCalled();
    expect(await recipe().broker.queueLengths()).toEqual(emptyQueues);
  });

  test('is checked again at the time that a recover function gives, and parked by a consumer without one', async () => {
    await leaveUnknown();
    const recover = vi.fn(() => recovery.stillUnknown(200));
    const consumer = await recipe().start(() => 'again', { fingerprint: false, onAbandoned: recover });
    await recipe().broker.send('order-1');
    await eventually(() => expect(recover.mock.calls.length).toBeGreaterThan(1));
    await consumer.stop();
    expect(new Set(recipe().decisionKinds)).toEqual(new Set(['delay']));
    await recipe().start(() => 'again', { fingerprint: false });
    await eventually(async () => expect(await recipe().broker.queueLengths()).toEqual({ ...emptyQueues, parked: 1 }));
  });
});

test('While the store is away jobs are delayed, use up no attempt, and run when it is back', async () => {
  let isAway = true;
  recipe().store.injectFault('acquire', async (pass) => (isAway ? await failsBefore()(pass) : await pass()));
  const work = vi.fn(() => 'done');
  await recipe().start(work, { maxAttempts: 1 });
  await recipe().broker.send('order-1');
  await eventually(() => expect(recipe().decisionKinds).toContain('delay'));
  expect(work).not.toHaveBeenCalled();
  isAway = false;
  await recipe().untilReplied('order-1', 1);
  expect(new Set(recipe().decisionKinds.slice(0, -1))).toEqual(new Set(['delay']));
  expect(await recipe().broker.queueLengths()).toEqual(emptyQueues);
});

test('A recorded result that this version cannot read is parked, and nothing runs', async () => {
  const work = vi.fn(() => ({ version: 1 }));
  const resultSchema = {
    parse: () => {
      throw new Error('a version is missing');
    },
  };
  await recipe().start(work, { resultSchema });
  await recipe().broker.send('order-1', {}, 2);
  await eventually(async () => expect(await recipe().broker.queueLengths()).toEqual({ ...emptyQueues, parked: 1 }));
  expect(work).toHaveBeenCalledTimes(1);
});
