// Which jobs are the same work: by default a job and its own redeliveries, by a business key whatever has it.
import { idempotentProcessor, type ProcessorOptions } from '@onceguard/bullmq';
import { expect, test } from 'vitest';
import { type EventJob, eventKeyOf, onEveryMajor, type QueueTestbed } from './queue-testbed.js';

type Options = Omit<ProcessorOptions<EventJob, number>, 'store'>;

/** A worker that counts its runs. */
function countingWorker(world: QueueTestbed, options: Options = {}) {
  const told = { runs: 0 };
  world.startWorker(idempotentProcessor(() => ++told.runs, { store: world.store, ...options }));
  return told;
}

onEveryMajor((world) => {
  test('by default two jobs are two pieces of work, also with the same data', async () => {
    const told = countingWorker(world());
    for (const runs of [1, 2]) {
      expect((await world().untilCompleted(await world().addJob({ event: 'e1' }))).returnvalue).toBe(runs);
    }
    expect(told.runs).toBe(2);
  });

  test('by default a job that is done and put back completes with its recorded value', async () => {
    const told = countingWorker(world());
    const job = await world().untilCompleted(await world().addJob({ event: 'e1' }));
    await job.retry('completed');
    await world().untilJobIs(job, 'completed');
    await expect.poll(async () => (await world().reloadJob(job)).attemptsMade).toBe(2);
    expect([(await world().reloadJob(job)).returnvalue, told.runs]).toEqual([1, 1]);
  });

  test('by default the numbers of an obliterated queue, which begin anew, name other jobs', async () => {
    const told = countingWorker(world());
    const before = await world().untilCompleted(await world().addJob({ event: 'e1' }, { timestamp: 1_000 }));
    await world().queue.obliterate({ force: true });
    const after = await world().untilCompleted(await world().addJob({ event: 'e2' }, { timestamp: 2_000 }));
    expect([before.id, after.id]).toEqual(['1', '1']);
    expect(told.runs).toBe(2);
  });

  test('by default a jobId that the producer chose is the key, also after the job is removed', async () => {
    const told = countingWorker(world());
    const options = { jobId: 'order-7' };
    const first = await world().untilCompleted(await world().addJob({ event: 'e1' }, options));
    await first.remove();
    const again = await world().untilCompleted(await world().addJob({ event: 'e1' }, options));
    await again.remove();
    const other = await world().untilFailed(await world().addJob({ event: 'e2' }, options));

    expect([again.returnvalue, told.runs]).toEqual([1, 1]);
    expect(other.failedReason).toContain('another payload');
  });

  test('a key that was made of a missing field fails its job, and nothing runs', async () => {
    const told = countingWorker(world(), { key: (job) => `order:${Reflect.get(job.data, 'orderId')}` });
    const failed = await world().untilFailed(await world().addJob({ event: 'e1' }));
    expect(failed.failedReason).toContain('names nothing: it has the text "undefined"');
    expect(told.runs).toBe(0);
  });

  test('by default a handler may update the data of its job between its attempts', async () => {
    const seen: unknown[] = [];
    const charge = async (job: EventJob) => {
      seen.push(job.data.cents);
      await job.updateData({ ...job.data, cents: 2 });
      if (seen.length === 1) throw new Error('not yet');
      return 'charged';
    };
    world().startWorker(idempotentProcessor(charge, { store: world().store }));
    const completed = await world().untilCompleted(await world().addJob({ event: 'e1', cents: 1 }, { attempts: 2 }));
    expect([completed.returnvalue, seen]).toEqual(['charged', [1, 2]]);
  });

  test('two producers that add one event at the same time make it run once', async () => {
    const told = countingWorker(world(), { key: eventKeyOf, leaseMs: 10_000 });
    const producers = [world().queue, world().newQueue()];
    const jobs = await Promise.all(producers.map((producer) => producer.add('charge', { event: 'e1' })));
    for (const job of jobs) expect((await world().untilCompleted(job)).returnvalue).toBe(1);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(2);
    expect(told.runs).toBe(1);
  });

  test('one key under two names of jobs is two pieces of work', async () => {
    const told = countingWorker(world(), { key: eventKeyOf });
    await world().untilCompleted(await world().addJob({ event: 'e1' }, {}, 'charge'));
    await world().untilCompleted(await world().addJob({ event: 'e1' }, {}, 'refund'));
    expect(told.runs).toBe(2);
  });

  test('one key in a scope of its own is one piece of work, whatever the job is called', async () => {
    const told = countingWorker(world(), { key: eventKeyOf, scope: world().prefix, fingerprint: false });
    await world().untilCompleted(await world().addJob({ event: 'e1' }, {}, 'charge'));
    const other = await world().untilCompleted(await world().addJob({ event: 'e1' }, {}, 'refund'));
    expect([other.returnvalue, told.runs]).toEqual([1, 1]);
  });

  test('under a business key the payload is the name and the data, or what `fingerprint` makes of the job', async () => {
    const told = countingWorker(world(), { key: eventKeyOf, fingerprint: ({ data }) => ({ event: data.event }) });
    await world().untilCompleted(await world().addJob({ event: 'e1', cents: 1 }));
    const other = await world().untilCompleted(await world().addJob({ event: 'e1', cents: 2 }));
    expect([other.returnvalue, told.runs]).toEqual([1, 1]);
  });
});
