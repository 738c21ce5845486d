// Must hold: a process that dies between two tries of a step leaves what one leaves that dies within a step.
import { randomUUID } from 'node:crypto';
import { type Execution, executeIdempotently, type StepContext } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChild } from '../adapters/child-process.js';
import { redisUrl } from '../support/redis.js';

interface TriesOfChild {
  readonly tries: readonly { readonly key: string; readonly tryNumber: number }[];
}

const leaseMs = 500;

let client: Redis;
beforeAll(async () => {
  client = new Redis(redisUrl(), { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
  await client.connect();
});
afterAll(() => client.disconnect());

/** What the next attempt does after the process was killed that waited for its third try. */
async function runAfterKill(options: { readonly atMostOnce: boolean }) {
  const prefix = `retries:${randomUUID()}:`;
  const key = 'order-1';
  const child = await startChild<TriesOfChild>('../../steps/processes/retrying.mjs', {
    url: redisUrl(),
    prefix,
    key,
    leaseMs,
    options,
  });
  await child.kill();
  const contexts: StepContext[] = [];
  const charge = (context: StepContext) => {
    contexts.push(context);
    return 'ch_1';
  };
  const execution: Execution<string> = await executeIdempotently(({ step }) => step('charge', charge, options), {
    store: new RedisStore({ client, prefix }),
    scope: 'shop',
    key,
    onInProgress: { waitMs: 20_000 },
  });
  return { execution, contexts, tries: child.firstMessage.tries };
}

it('A step whose process died between two tries runs again under its key, and counts its tries from the beginning', async () => {
  const { execution, contexts, tries } = await runAfterKill({ atMostOnce: false });
  expect(tries.map(({ tryNumber }) => tryNumber)).toEqual([1, 2]);
  expect(execution).toMatchObject({ kind: 'executed', value: 'ch_1', recorded: true });
  expect(contexts).toMatchObject([{ key: tries[0]?.key, attempt: 2, tryNumber: 1 }]);
});

it('A step that may run at most once is in doubt after its process died between two tries', async () => {
  const { execution, contexts, tries } = await runAfterKill({ atMostOnce: true });
  expect(tries.map(({ tryNumber }) => tryNumber)).toEqual([1, 2]);
  expect(execution).toMatchObject({ kind: 'outcome_unknown' });
  expect(contexts).toEqual([]);
});
