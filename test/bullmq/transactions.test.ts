// Jobs whose effect and record are one transaction of PostgreSQL.
import { randomUUID } from 'node:crypto';
import { idempotentProcessor } from '@onceguard/bullmq';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTransactionTestbed, type TransactionTestbed } from '../transactions/transaction-testbed.js';
import { eventKeyOf, onEveryMajor } from './queue-testbed.js';

let testbed: TransactionTestbed;

beforeAll(async () => {
  testbed = await openTransactionTestbed();
});

afterAll(async () => await testbed.close());

onEveryMajor((world) => {
  test('a job that throws after its write leaves nothing, its retry commits effect and record together, and a later job gets the result', async () => {
    const { store, transaction } = testbed;
    const event = randomUUID();
    const failures = [new Error('declined')];
    let runs = 0;
    const processor = idempotentProcessor(
      async ({ data }, context) => {
        runs += 1;
        const { id } = await testbed.insertPayment(transaction.of(context), data.event);
        const failure = failures.pop();
        if (failure !== undefined) throw failure;
        return id;
      },
      { store, key: eventKeyOf, transaction },
    );
    world().startWorker(processor);
    const first = await world().untilCompleted(await world().addJob({ event }, { attempts: 2 }));
    const second = await world().untilCompleted(await world().addJob({ event }));
    expect(second.returnvalue).toBe(first.returnvalue);
    expect(runs).toBe(2);
    expect(await testbed.countPayments(event)).toBe(1);
  });
});
