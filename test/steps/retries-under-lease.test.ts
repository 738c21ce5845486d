// Retries of a step and the lease of its attempt: the one lasts as long as the others, and ends them.
import { executeIdempotently, type OperationContext, type StepContext } from '@onceguard/core';
import { expect, it } from 'vitest';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { callOptions } from '../engine/abandoned-work.js';
import { briefLease, executeUnderBriefLease } from '../engine/brief-lease.js';
import { summarize } from '../engine/execution-summary.js';
import { onEveryStore } from '../engine/store-testbed.js';

const shortWaits = { initialMs: 1, factor: 1 };
const asValue = (error: unknown) => error;

onEveryStore('A step with retries', (open) => {
  it('keeps its lease while its tries take longer than that', async () => {
    const { store } = open();
    const leaseMs = 3_000;
    const attempts: number[] = [];
    const operation = async ({ step }: OperationContext): Promise<unknown> => {
      // A renewal comes after each third of the lease.
      const charge = async ({ attempt, tryNumber }: StepContext) => {
        attempts.push(attempt);
        await store.waitForCalls('renew', tryNumber);
        if (tryNumber < 4) throw new Error('busy');
        return await summarize(executeIdempotently(operation, callOptions(store)));
      };
      return await step('charge', charge, { retries: 3, backoff: shortWaits });
    };
    const startedAt = performance.now();
    const end = summarize(executeIdempotently(operation, { ...callOptions(store), leaseMs }));
    expect(await end).toBe('in_progress, recorded');
    expect(performance.now() - startedAt).toBeGreaterThan(leaseMs);
    expect(attempts).toEqual([1, 1, 1, 1]);
  });

  it('is not tried again once its signal has aborted, and throws its own error', async () => {
    const { store } = open();
    let tries = 0;
    let error: unknown;
    const operation = async ({ step }: OperationContext) => {
      const charge = async ({ signal }: StepContext) => {
        tries += 1;
        await untilAborted(signal);
        throw new Error('busy');
      };
      error = await step('charge', charge, { retries: 3, backoff: shortWaits }).catch(asValue);
    };
    await executeUnderBriefLease(operation, { ...callOptions(store), ...briefLease }).catch(asValue);
    expect([tries, String(error)]).toEqual([1, 'Error: busy']);
  });
});
