// A worker is killed in the middle of a job: what becomes of the job when BullMQ finds it stalled and delivers it again.
import { once } from 'node:events';
import { listDoubts } from '@onceguard/core';
import { afterEach, expect, test, vi } from 'vitest';
import { type ChildProgram, startChild } from '../adapters/child-process.js';
import type { Settings } from './processes/stalled-worker.js';
import { type EventJob, onEveryMajor } from './queue-testbed.js';

// Two processes start one after the other, and BullMQ looks for stalled jobs now and then.
vi.setConfig({ testTimeout: 180_000 });

onEveryMajor((world, major) => {
  const children: ChildProgram<unknown>[] = [];
  afterEach(async () => await Promise.all(children.splice(0).map((child) => child.kill())));

  async function startWorker(onAbandoned: Settings['onAbandoned']): Promise<ChildProgram<unknown>> {
    const { connection, prefix } = world();
    const settings: Settings = { major, url: connection.url, prefix, onAbandoned };
    const child = await startChild('../../bullmq/processes/stalled-worker.ts', settings);
    children.push(child);
    return child;
  }

  /** The job after its worker died in the middle of it, and another one has dealt with it. */
  async function survivor(onAbandoned: Settings['onAbandoned']): Promise<EventJob> {
    const victim = await startWorker(onAbandoned);
    const job = await world().addJob({ event: 'e1' }, { attempts: 3 });
    await once(victim.process, 'message');
    await victim.kill();
    await startWorker(onAbandoned);
    return await world().untilJobIs(job, 'completed', 'failed');
  }

  /** How often the step of the job ran. */
  const charges = async () => Number(await world().redisCommand('GET', `${world().prefix}:charges`));

  test('it runs again after the lease, goes on from its recorded step, and has used up no attempt', async () => {
    const job = await survivor('rerun');
    expect(job.returnvalue).toEqual({ charge: 1, by: 'handler', attempt: 2 });
    expect([job.attemptsMade, await charges()]).toEqual([1, 1]);
    expect(job.stalledCounter).toBeGreaterThan(0);
  });

  test('guarded by `block` it is parked with attempts left, and its record tells how far it got', async () => {
    const job = await survivor('block');
    expect([await job.getState(), job.attemptsMade]).toEqual(['failed', 1]);
    expect(job.failedReason).toContain('may have taken effect');
    const { store } = world();
    const { doubts } = await listDoubts(store, { limit: 10_000 });
    expect(doubts).toMatchObject([{ state: 'abandoned', recordedSteps: ['charge'] }]);
    expect(await charges()).toBe(1);
  });

  test('`recover` finds out, and the job completes with what it found', async () => {
    const job = await survivor('recover');
    expect(job.returnvalue).toEqual({ charge: 1, by: 'recover', attempt: 2 });
    expect([job.attemptsMade, await charges()]).toEqual([1, 1]);
  });
});
