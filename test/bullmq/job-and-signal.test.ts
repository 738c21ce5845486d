// What a handler does with its job goes on working, and its signal aborts when the job or the lease is lost.

import { idempotentProcessor } from '@onceguard/bullmq';
import { LeaseLostError, type OperationContext } from '@onceguard/core';
import { failsBefore } from '@onceguard/testing';
import { expect, test, vi } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { type EventJob, eventKeyOf, onEveryMajor } from './queue-testbed.js';

onEveryMajor((world) => {
  test('progress and logs of the job are there, and a repeat writes none', async () => {
    const charge = async (job: EventJob) => {
      await job.updateProgress(50);
      await job.log('charging');
      return 'charged';
    };
    world().startWorker(idempotentProcessor(charge, { store: world().store, key: eventKeyOf }));

    const first = await world().untilCompleted(await world().addJob({ event: 'e1' }));
    const second = await world().untilCompleted(await world().addJob({ event: 'e1' }));

    expect([first.progress, second.progress]).toEqual([50, 0]);
    const logs = await Promise.all([first, second].map(({ id = '' }) => world().queue.getJobLogs(id)));
    expect(logs.map((log) => log.logs)).toEqual([['charging'], []]);
  });

  test('when BullMQ cancels the job, the signals of the handler and of its step abort', async () => {
    const reasons: unknown[] = [];
    const charge = async (_job: EventJob, { signal, step }: OperationContext) =>
      await step('charge', async (part) => {
        await Promise.all([untilAborted(part.signal), untilAborted(signal)]);
        reasons.push(part.signal.reason, signal.reason);
        throw new Error('stopped');
      });
    const worker = world().startWorker(idempotentProcessor(charge, { store: world().store, key: eventKeyOf }));

    const job = await world().addJob({ event: 'e1' });
    await vi.waitFor(() => expect(worker.cancelJob(job.id ?? '', 'not wanted')).toBe(true), 60_000);

    expect((await world().untilFailed(job)).failedReason).toBe('stopped');
    expect(reasons).toEqual(['not wanted', 'not wanted']);
  });

  test('a signal that is not Node’s own, as in some versions of BullMQ 5, aborts that of the handler too', async () => {
    const foreign = Object.assign(new EventTarget(), { aborted: false, reason: 'not wanted' });
    const charge = async (_job: EventJob, { signal }: OperationContext) => {
      setImmediate(() => foreign.dispatchEvent(new Event('abort')));
      await untilAborted(signal);
      return signal.reason;
    };
    const processor = idempotentProcessor(charge, { store: world().store, key: eventKeyOf });
    const job = await world().addJob({ event: 'e1' });
    expect(await processor(job, 'token', foreign as unknown as AbortSignal)).toBe('not wanted');
  });

  test('when the lock of the job is lost the signal aborts, and the job is delivered again', async () => {
    const began: number[] = [];
    const charge = async (_job: EventJob, { attempt, signal }: OperationContext) => {
      began.push(attempt);
      if (attempt > 1) return 'charged';
      await untilAborted(signal);
      throw new Error('stopped');
    };
    const processor = idempotentProcessor(charge, { store: world().store, key: eventKeyOf });
    const worker = world().startWorker(processor, { lockDuration: 400, stalledInterval: 200 });
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) worker.cancelJob(id);
    });

    const job = await world().addJob({ event: 'e1' });
    await vi.waitFor(() => expect(began).toEqual([1]), 60_000);
    await world().redisCommand('DEL', `${world().prefix}:events:${job.id}:lock`);

    const completed = await world().untilCompleted(job);
    expect([completed.returnvalue, completed.attemptsMade, began]).toEqual(['charged', 1, [1, 2]]);
  });

  test('when the lock is lost and the handler goes on, the second delivery is delayed and gets the first one’s result', async () => {
    const gate = newGate();
    let runs = 0;
    const charge = async () => {
      runs += 1;
      await gate.opened;
      return `charge ${runs}`;
    };
    const processor = idempotentProcessor(charge, { store: world().store, key: eventKeyOf, leaseMs: 10_000 });
    const options = { lockDuration: 400, stalledInterval: 200 };
    world().startWorker(processor, options);

    const job = await world().addJob({ event: 'e1' });
    await vi.waitFor(() => expect(runs).toBe(1), 60_000);
    await world().redisCommand('DEL', `${world().prefix}:events:${job.id}:lock`);
    world().startWorker(processor, options);
    await world().untilJobIs(job, 'delayed');
    gate.open();

    const completed = await world().untilCompleted(job);
    expect([completed.returnvalue, completed.attemptsMade, runs]).toEqual(['charge 1', 1, 1]);
  });

  test('when the lease is lost the signal aborts', async () => {
    const { store } = world();
    store.injectFault('renew', failsBefore());
    const reasons: unknown[] = [];
    const charge = async (_job: EventJob, { signal }: OperationContext) => {
      await untilAborted(signal);
      reasons.push(signal.reason);
      throw new Error('stopped');
    };
    world().startWorker(idempotentProcessor(charge, { store, key: eventKeyOf, leaseMs: 2_000 }));
    await world().untilFailed(await world().addJob({ event: 'e1' }));
    expect(reasons).toEqual([expect.any(LeaseLostError)]);
  });
});
