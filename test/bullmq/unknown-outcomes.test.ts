// A job of which nobody knows whether it took effect: it is parked for somebody to decide, or `recover` finds out.

import { idempotentProcessor } from '@onceguard/bullmq';
import {
  type Doubt,
  type DoubtPage,
  KeyReusedError,
  listDoubts,
  OutcomeExpiredError,
  OutcomeUnknownError,
  recovery,
  resolveDoubt,
} from '@onceguard/core';
import { expect, test } from 'vitest';
import { type EventJob, eventKeyOf, onEveryMajor, type QueueTestbed } from './queue-testbed.js';

/** A processor whose first run ends nobody knows how. */
function processorWithUnknownOutcome({ store }: QueueTestbed, options: { onAbandoned?: () => never } = {}) {
  const told = { runs: 0 };
  const charge = () => {
    told.runs += 1;
    if (told.runs === 1) throw new Error('the connection ended');
    return `charge ${told.runs}`;
  };
  return { told, process: idempotentProcessor(charge, { store, key: eventKeyOf, onFailure: 'unknown', ...options }) };
}

async function firstDoubt(store: QueueTestbed['store']): Promise<Doubt> {
  for (let cursor: string | null = null; ; ) {
    const page: DoubtPage = await listDoubts(store, { cursor });
    const [doubt] = page.doubts;
    if (doubt !== undefined) return doubt;
    cursor = page.cursor ?? expect.unreachable('nobody is in doubt');
  }
}

onEveryMajor((world) => {
  async function decide(as: 'done' | 'not_done', result?: string): Promise<void> {
    const { store } = world();
    const doubt = await firstDoubt(store);
    const why = { by: 'ada', reason: 'looked', ...(result === undefined ? {} : { result }) };
    await resolveDoubt(store, doubt.recordName, { as, ...why });
  }

  test('it fails with attempts left, and is not retried', async () => {
    const { told, process } = processorWithUnknownOutcome(world());
    const failures = world().collectFailures(world().startWorker(process));

    const parked = await world().untilFailed(await world().addJob({ event: 'e1' }, { attempts: 5, backoff: 1 }));

    expect(failures.map(({ name }) => name)).toEqual(['Error', 'UnrecoverableError']);
    expect(failures[1]?.cause).toBeInstanceOf(OutcomeUnknownError);
    expect(parked.failedReason).toContain('may have taken effect');
    expect([parked.attemptsMade, told.runs]).toEqual([2, 1]);
  });

  test.each([
    { as: 'done', result: 'charge 1, found', completes: ['charge 1, found', 1] },
    { as: 'not_done', completes: ['charge 2', 2] },
  ] as const)('when somebody has decided ($as) and retries it, it completes accordingly', async (decision) => {
    const { told, process } = processorWithUnknownOutcome(world());
    world().startWorker(process);
    const parked = await world().untilFailed(await world().addJob({ event: 'e1' }, { attempts: 5 }));

    await decide(decision.as, 'result' in decision ? decision.result : undefined);
    await parked.retry();

    const completed = await world().untilCompleted(parked);
    expect([completed.returnvalue, told.runs]).toEqual(decision.completes);
  });

  test('`recover` gets the job, and what it finds out completes the job', async () => {
    const asked: unknown[] = [];
    const onAbandoned = (context: { attempt: number }, job: EventJob) => {
      asked.push([context.attempt, job.data.cents]);
      return recovery.done('found');
    };
    const charge = (): string => {
      throw new Error('the connection ended');
    };
    const options = { store: world().store, key: eventKeyOf, onFailure: 'unknown', onAbandoned } as const;
    world().startWorker(idempotentProcessor(charge, options));

    const found = await world().untilCompleted(await world().addJob({ event: 'e1', cents: 7 }, { attempts: 2 }));

    expect([found.returnvalue, asked]).toEqual(['found', [[2, 7]]]);
  });

  test('where `recover` cannot say when to ask again the job is parked', async () => {
    const charge = (): string => {
      throw new Error('the connection ended');
    };
    const options = {
      store: world().store,
      key: eventKeyOf,
      onFailure: 'unknown',
      onAbandoned: () => recovery.stillUnknown(),
    } as const;
    world().startWorker(idempotentProcessor(charge, options));
    const parked = await world().untilFailed(await world().addJob({ event: 'e1' }, { attempts: 5 }));
    expect([parked.attemptsMade, parked.failedReason]).toEqual([2, expect.stringContaining('may have taken effect')]);
  });

  test('a worker without recover parks a job whose outcome another worker is to recover', async () => {
    const { store } = world();
    const shared = { store, key: eventKeyOf, onFailure: 'unknown' } as const;
    const charge = (): string => {
      throw new Error('the connection ended');
    };
    const recovering = world().startWorker(
      idempotentProcessor(charge, { ...shared, onAbandoned: () => recovery.stillUnknown(60_000) }),
    );
    await world().untilJobIs(await world().addJob({ event: 'e1' }, { attempts: 2 }), 'delayed');
    await recovering.close();

    world().startWorker(idempotentProcessor(charge, { ...shared, onAbandoned: 'block' }));
    const parked = await world().untilFailed(await world().addJob({ event: 'e1' }, { attempts: 5 }));

    expect(parked.failedReason).toContain('may have taken effect');
  });

  test('a `recover` that throws is a failure like any other: BullMQ retries, and it is asked again', async () => {
    let asked = 0;
    const onAbandoned = () => {
      asked += 1;
      if (asked === 1) throw new OutcomeExpiredError(0);
      return recovery.done('found');
    };
    const charge = (): string => {
      throw new Error('the connection ended');
    };
    const options = { store: world().store, key: eventKeyOf, onFailure: 'unknown', onAbandoned } as const;
    world().startWorker(idempotentProcessor(charge, options));
    const found = await world().untilCompleted(await world().addJob({ event: 'e1' }, { attempts: 3 }));
    expect([found.returnvalue, found.attemptsMade]).toEqual(['found', 3]);
  });

  test.each([new OutcomeExpiredError(0), new KeyReusedError(), new OutcomeUnknownError(50)])(
    'what an operation inside the handler rejects with ($code) is a failure like any other',
    async (inner) => {
      let runs = 0;
      const charge = () => {
        runs += 1;
        if (runs === 1) throw inner;
        return 'charged';
      };
      const failures = world().collectFailures(
        world().startWorker(idempotentProcessor(charge, { store: world().store, key: eventKeyOf })),
      );
      const completed = await world().untilCompleted(await world().addJob({ event: 'e1' }, { attempts: 2 }));
      expect([completed.returnvalue, completed.attemptsMade, failures]).toEqual(['charged', 2, [inner]]);
    },
  );
});
