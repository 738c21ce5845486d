// Which jobs are the same work: by default a job and its own redeliveries, by a business key whatever has it.
import { idempotentProcessor, type ProcessorOptions } from '@onceguard/bullmq';
import { expect, test } from 'vitest';
import { type EventJob, eventOf, onEveryMajor, type World } from './world.js';

type Options = Omit<ProcessorOptions<EventJob, number>, 'store'>;

/** A worker that counts its runs. */
function counting(world: World, options: Options = {}) {
  const told = { runs: 0 };
  world.worker(idempotentProcessor(() => ++told.runs, { store: world.store, ...options }));
  return told;
}

onEveryMajor((world) => {
  test('by default two jobs are two pieces of work, also with the same data', async () => {
    const told = counting(world());
    for (const runs of [1, 2]) {
      expect((await world().completed(await world().add({ event: 'e1' }))).returnvalue).toBe(runs);
    }
    expect(told.runs).toBe(2);
  });

  test('by default a job that is done and put back completes with its recorded value', async () => {
    const told = counting(world());
    const job = await world().completed(await world().add({ event: 'e1' }));
    await job.retry('completed');
    await world().until(job, 'completed');
    await expect.poll(async () => (await world().job(job)).attemptsMade).toBe(2);
    expect([(await world().job(job)).returnvalue, told.runs]).toEqual([1, 1]);
  });

  test('by default the numbers of an obliterated queue, which begin anew, name other jobs', async () => {
    const told = counting(world());
    const before = await world().completed(await world().add({ event: 'e1' }, { timestamp: 1_000 }));
    await world().queue.obliterate({ force: true });
    const after = await world().completed(await world().add({ event: 'e2' }, { timestamp: 2_000 }));
    expect([before.id, after.id]).toEqual(['1', '1']);
    expect(told.runs).toBe(2);
  });

  test('by default a jobId that the producer chose is the key, also after the job is removed', async () => {
    const told = counting(world());
    const options = { jobId: 'order-7' };
    const first = await world().completed(await world().add({ event: 'e1' }, options));
    await first.remove();
    const again = await world().completed(await world().add({ event: 'e1' }, options));
    await again.remove();
    const other = await world().failed(await world().add({ event: 'e2' }, options));

    expect([again.returnvalue, told.runs]).toEqual([1, 1]);
    expect(other.failedReason).toContain('another payload');
  });

  test('a key that was made of a missing field fails its job, and nothing runs', async () => {
    const told = counting(world(), { key: (job) => `order:${Reflect.get(job.data, 'orderId')}` });
    const failed = await world().failed(await world().add({ event: 'e1' }));
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
    world().worker(idempotentProcessor(charge, { store: world().store }));
    const completed = await world().completed(await world().add({ event: 'e1', cents: 1 }, { attempts: 2 }));
    expect([completed.returnvalue, seen]).toEqual(['charged', [1, 2]]);
  });

  test('two producers that add one event at the same time make it run once', async () => {
    const told = counting(world(), { key: eventOf, leaseMs: 200 });
    const producers = [world().queue, world().producer()];
    const jobs = await Promise.all(producers.map((producer) => producer.add('charge', { event: 'e1' })));
    for (const job of jobs) expect((await world().completed(job)).returnvalue).toBe(1);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(2);
    expect(told.runs).toBe(1);
  });

  test('one key under two names of jobs is two pieces of work', async () => {
    const told = counting(world(), { key: eventOf });
    await world().completed(await world().add({ event: 'e1' }, {}, 'charge'));
    await world().completed(await world().add({ event: 'e1' }, {}, 'refund'));
    expect(told.runs).toBe(2);
  });

  test('one key in a scope of its own is one piece of work, whatever the job is called', async () => {
    const told = counting(world(), { key: eventOf, scope: world().prefix, fingerprint: false });
    await world().completed(await world().add({ event: 'e1' }, {}, 'charge'));
    const other = await world().completed(await world().add({ event: 'e1' }, {}, 'refund'));
    expect([other.returnvalue, told.runs]).toEqual([1, 1]);
  });

  test('under a business key the payload is the name and the data, or what `fingerprint` makes of the job', async () => {
    const told = counting(world(), { key: eventOf, fingerprint: ({ data }) => ({ event: data.event }) });
    await world().completed(await world().add({ event: 'e1', cents: 1 }));
    const other = await world().completed(await world().add({ event: 'e1', cents: 2 }));
    expect([other.returnvalue, told.runs]).toEqual([1, 1]);
  });
});
