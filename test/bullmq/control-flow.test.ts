// A handler that sends its job elsewhere has not failed: nobody has to decide, and the job runs again when it comes back.

import { idempotentProcessor } from '@onceguard/bullmq';
import { listDoubts, type OperationContext } from '@onceguard/core';
import { describe, expect, test } from 'vitest';
import { type Bullmq, loadBullmq } from './bullmq-majors.js';
import { type EventJob, eventKeyOf, onEveryMajor, type QueueTestbed } from './queue-testbed.js';

/** How a handler sends its job elsewhere, and the error that it throws then. */
const waysToPostpone: readonly (readonly [
  name: string,
  send: (job: EventJob, world: QueueTestbed) => Promise<unknown>,
  error: PostponeError,
])[] = [
  ['DelayedError', (job) => job.moveToDelayed(Date.now() + 20, job.token), ({ DelayedError }) => new DelayedError()],
  ['WaitingError', (job) => job.moveToWait(job.token), ({ WaitingError }) => new WaitingError()],
  ['WaitingChildrenError', waitForChild, ({ WaitingChildrenError }) => new WaitingChildrenError()],
  ['RateLimitError', (_job, { queue }) => queue.rateLimit(50), ({ Worker }) => Worker.RateLimitError()],
];

type PostponeError = (bullmq: Bullmq) => Error;

/** Another job, done by the same worker, that the job waits for. */
async function waitForChild(job: EventJob, { queue }: QueueTestbed): Promise<void> {
  const parent = { id: job.id ?? '', queue: job.queueQualifiedName };
  await queue.add('child', { event: `child of ${job.data.event}` }, { parent });
  expect(await job.moveToWaitingChildren(job.token ?? '')).toBe(true);
}

/** A handler that sends its job elsewhere in its first run, after a step. */
function postponesFirstRun(world: QueueTestbed, send: (job: EventJob) => Promise<unknown>, error: () => Error) {
  const runs: number[] = [];
  let steps = 0;
  const handle = async (job: EventJob, { attempt, step }: OperationContext) => {
    if (job.name === 'child') return 'child';
    runs.push(attempt);
    await step('first', () => ++steps);
    if (runs.length > 1) return `charged by ${attempt}, after ${steps} step`;
    await send(job);
    throw error();
  };
  const process = (options: object = {}) =>
    idempotentProcessor(handle, { store: world.store, key: eventKeyOf, onFailure: 'unknown', ...options });
  return { runs, process };
}

async function expectSecondRun(
  world: QueueTestbed,
  process: ReturnType<ReturnType<typeof postponesFirstRun>['process']>,
  runs: number[],
) {
  const worker = world.startWorker(process, { limiter: { max: 100, duration: 50 } });
  const failures = world.collectFailures(worker);
  const done = await world.untilCompleted(await world.addJob({ event: 'e1' }));
  expect([done.returnvalue, runs, failures]).toEqual(['charged by 2, after 1 step', [1, 2], []]);
  expect((await listDoubts(world.store.inner)).doubts).toEqual([]);
}

onEveryMajor((world, major) => {
  describe.each(waysToPostpone)('a job whose handler throws a %s', (_name, send, error) => {
    test('runs again when it comes back, and goes on from its steps, although failures are unknown', async () => {
      const { runs, process } = postponesFirstRun(
        world(),
        (job) => send(job, world()),
        () => error(world().bullmq),
      );
      await expectSecondRun(world(), process(), runs);
    });

    test('does so too where the error is of another copy of BullMQ', async () => {
      const other = await loadBullmq(major === 6 ? 5 : 6);
      const { runs, process } = postponesFirstRun(
        world(),
        (job) => send(job, world()),
        () => error(other),
      );
      await expectSecondRun(world(), process(), runs);
    });

    test.each([
      ['by a class', [Error]],
      ['by a function', () => true],
    ])('has no outcome, even where every error is one, %s', async (_told, finalErrors) => {
      const { runs, process } = postponesFirstRun(
        world(),
        (job) => send(job, world()),
        () => error(world().bullmq),
      );
      await expectSecondRun(world(), process({ finalErrors }), runs);
    });
  });

  test('an error that extends one of them, or has lost its name to a bundler, is one of them', async () => {
    const { DelayedError } = world().bullmq;
    class Later extends DelayedError {
      constructor() {
        super('not before noon');
      }
    }
    const minified = Object.assign(new Error('bullmq:movedToDelayed'), { name: 'a' });
    for (const error of [new Later(), minified]) {
      const { process } = postponesFirstRun(
        world(),
        async () => {},
        () => error,
      );
      const job = await world().addJob({ event: error.name });
      await expect(process()(job)).rejects.toBe(error);
      expect(await process()(job)).toBe('charged by 2, after 1 step');
    }
  });

  test('a job that says that nothing happened is retried, although failures are unknown', async () => {
    const attempts: number[] = [];
    const handle = (_job: EventJob, { attempt, markNothingHappened }: OperationContext) => {
      attempts.push(attempt);
      if (attempts.length > 1) return 'charged';
      markNothingHappened();
      throw new Error('the card was not asked');
    };
    world().startWorker(idempotentProcessor(handle, { store: world().store, key: eventKeyOf, onFailure: 'unknown' }));
    const done = await world().untilCompleted(await world().addJob({ event: 'e1' }, { attempts: 2 }));
    expect([done.returnvalue, attempts]).toEqual(['charged', [1, 2]]);
  });
});
