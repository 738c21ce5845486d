// The recipe for RabbitMQ against a real broker: jobs that fail, messages that are no jobs, and no message is lost.
import { type OperationContext, OutcomeExpiredError } from '@onceguard/core';
import { describe, expect, test, vi } from 'vitest';
import type { Job } from '../../examples/rabbitmq-jobs/consumer.js';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { emptyQueues } from './broker.js';
import { eventually, recipeForEachTest } from './recipe-harness.js';

class CardRefused extends Error {}

const recipe = recipeForEachTest();

describe('A job that fails', () => {
  test('runs again after a delay, and is rejected when its attempts are used up', async () => {
    const attempts: number[] = [];
    await recipe().start(
      (_job, { attempt }) => {
        attempts.push(attempt);
        throw new Error('no stock');
      },
      { maxAttempts: 3 },
    );
    await recipe().broker.send('order-1');
    await eventually(async () => expect(await recipe().broker.queueLengths()).toEqual({ ...emptyQueues, dead: 1 }));
    expect(attempts).toEqual([1, 2, 3]);
    expect(recipe().decisionKinds).toEqual(['delay', 'delay', 'reject']);
  });

  test('for good is rejected at once, and so is a copy of it, which does not run', async () => {
    const work = vi.fn(() => {
      throw new CardRefused('stolen');
    });
    await recipe().start(work, { finalErrors: [CardRefused] });
    for (const dead of [1, 2]) {
      await recipe().broker.send('order-1');
      await eventually(async () => expect(await recipe().broker.queueLengths()).toEqual({ ...emptyQueues, dead }));
    }
    expect(recipe().decisionKinds).toEqual(['reject', 'reject']);
    expect(work).toHaveBeenCalledTimes(1);
  });
});

describe('An error that the work throws is a failure of the work, whatever its name', () => {
  test('an OutcomeExpiredError of a nested operation does not acknowledge the message', async () => {
    const work = vi.fn((_job: Job, { attempt }: OperationContext) => {
      if (attempt === 1) throw new OutcomeExpiredError(Date.now());
      return 'done';
    });
    await recipe().start(work);
    await recipe().broker.send('order-1');
    await recipe().untilReplied('order-1', 1);
    expect(recipe().decisionKinds).toEqual(['delay', 'acknowledge']);
  });

  test('except the loss of its lease, which uses up no attempt', async () => {
    const work = vi.fn(async (_job: Job, { attempt, signal }: OperationContext) => {
      if (attempt > 1) return 'done';
      await untilAborted(signal);
      throw signal.reason;
    });
    await recipe().start(work, { maxAttempts: 1, leaseMs: 100, maxExecutionMs: 10 });
    await recipe().broker.send('order-1');
    await recipe().untilReplied('order-1', 1);
    expect(new Set(recipe().decisionKinds.slice(0, -1))).toEqual(new Set(['delay']));
  });
});

describe('A message that no delivery can repair is rejected', () => {
  test('another payload under the same id', async () => {
    const work = vi.fn(() => 'done');
    await recipe().start(work);
    await recipe().broker.send('order-1', { cents: 500 });
    await recipe().untilReplied('order-1', 1);
    await recipe().broker.send('order-1', { cents: 900 });
    const dead = await recipe().broker.take(recipe().broker.queues.dead);
    expect(JSON.parse(dead.content.toString())).toEqual({ cents: 900 });
    expect(dead.properties.headers?.['x-death']).toMatchObject([
      { reason: 'rejected', queue: recipe().broker.queues.work },
    ]);
    expect(work).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['a message without an id', async () => await recipe().broker.send(undefined)],
    ['a message with an empty id', async () => await recipe().broker.send('')],
    [
      'a message that is no JSON',
      async () =>
        void recipe().broker.channel.sendToQueue(recipe().broker.queues.work, Buffer.from('{'), {
          messageId: 'order-1',
        }),
    ],
  ])('%s', async (_what, send) => {
    const work = vi.fn(() => 'done');
    await recipe().start(work);
    await send();
    await eventually(async () => expect(await recipe().broker.queueLengths()).toEqual({ ...emptyQueues, dead: 1 }));
    expect(work).not.toHaveBeenCalled();
  });
});

describe('No message is lost', () => {
  test('that should be delayed while the delay queue is missing', async () => {
    for (const { queue } of recipe().broker.queues.delays) await recipe().broker.channel.deleteQueue(queue);
    const consumer = await recipe().start(() => Promise.reject(new Error('no stock')));
    await recipe().broker.send('order-1');
    await consumer.closed;
    await eventually(async () => {
      expect((await recipe().broker.channel.checkQueue(recipe().broker.queues.work)).messageCount).toBe(1);
    });
  });

  test('when a consumer stops: it finishes its current jobs, and takes no more', async () => {
    const gate = newGate();
    const work = vi.fn(async () => await gate.opened);
    const consumer = await recipe().start(work);
    await recipe().broker.send('order-1');
    await eventually(() => expect(work).toHaveBeenCalledTimes(1));
    const stopped = consumer.stop();
    await recipe().broker.send('order-2');
    gate.open();
    await stopped;
    await recipe().untilReplied('order-1', 1);
    await eventually(async () => expect(await recipe().broker.queueLengths()).toEqual({ ...emptyQueues, work: 1 }));
    expect(work).toHaveBeenCalledTimes(1);
  });
});
