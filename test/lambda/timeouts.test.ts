// Lambda ends the process of a function at its time limit: a retry takes over soon after, unless the policy asks for a decision.
import { expect, test, vi } from 'vitest';
import { type HttpResult, timedOut } from './lambda-host.js';
import type { Job } from './processes/lambda-sandbox.js';
import { closeSandboxes, request, type SandboxTestbed, sandboxTestbed } from './sandbox-testbed.js';

closeSandboxes();

const untilLeaseIsOver = { timeout: 20_000, interval: 200 };

async function timesOutOnce(settings: {
  payments?: boolean;
}): Promise<{ testbed: SandboxTestbed; retry(): Promise<HttpResult> }> {
  const testbed = sandboxTestbed();
  const [first, second] = await Promise.all([testbed.sandbox(settings), testbed.sandbox(settings)]);
  const hanging = request('k', { do: 'hang' });
  expect(await first.invoke(hanging, 4_000)).toBe(timedOut);
  return { testbed, retry: async () => await second.invokeHttp(hanging) };
}

const codeOf = ({ body }: HttpResult): unknown => JSON.parse(body).code;

test('After a time-out the retry is refused while the lease lasts, and then runs: no lease is much longer than the time limit', async () => {
  const { testbed, retry } = await timesOutOnce({});
  const early = await retry();
  expect([early.statusCode, codeOf(early)]).toEqual([409, 'in_progress']);
  // The default lease is 30 seconds.
  await vi.waitFor(
    async () => expect(await retry()).toMatchObject({ statusCode: 201, body: 'attempt 2' }),
    untilLeaseIsOver,
  );
  expect(await testbed.effects('k')).toEqual(['1', '2']);
});

test('With httpPaymentPolicy a time-out leaves the outcome unknown: no retry runs', async () => {
  const { testbed, retry } = await timesOutOnce({ payments: true });
  await vi.waitFor(async () => expect(codeOf(await retry())).toBe('outcome_unknown'), untilLeaseIsOver);
  expect(await testbed.effects('k')).toEqual(['1']);
});

function batchOf(jobs: readonly Job[]): { Records: { messageId: string; body: string }[] } {
  return { Records: jobs.map((job) => ({ messageId: job.id, body: JSON.stringify(job) })) };
}

interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

test('1,000 messages on two processes, with failures and a time-out: each has its effect once, and the redeliveries end', async () => {
  const testbed = sandboxTestbed();
  const settings = { options: { leaseMs: 4_000 } };
  const sandboxes = await Promise.all([testbed.sandbox(settings), testbed.sandbox(settings)]);
  const waiting: Job[] = Array.from({ length: 1_000 }, (_, at) => ({
    id: String(at),
    ...(at === 500 ? { firstTry: 'hang' as const } : at % 3 === 0 ? { firstTry: 'fail' as const } : {}),
  }));
  const jobs = new Map(waiting.map((job) => [job.id, job]));
  const failedAtFirst = waiting.filter(({ firstTry }) => firstTry === 'fail').map(({ id }) => id);
  const returned = new Set<string>();
  const inTimeOut = new Set<string>();

  /** A queue with at-least-once delivery: what was not deleted comes again. */
  const poll = async (sandbox: (typeof sandboxes)[number]) => {
    for (let batch = waiting.splice(0, 50); batch.length > 0; batch = waiting.splice(0, 50)) {
      const result = await sandbox.invoke(batchOf(batch), 6_000);
      if (result === timedOut) {
        waiting.push(...batch);
        for (const { id } of batch) inTimeOut.add(id);
        continue;
      }
      const failed = (result as BatchResponse).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
      for (const id of failed) returned.add(id);
      waiting.push(...failed.map((id) => jobs.get(id) as Job));
    }
  };
  await Promise.all(sandboxes.map(poll));

  const shipped = await testbed.shipped();
  expect(shipped.length).toBe(1_000);
  expect(new Set(shipped).size).toBe(1_000);
  const elsewhere = (ids: Iterable<string>) => [...ids].filter((id) => !inTimeOut.has(id)).sort();
  expect(inTimeOut.size).toBe(50);
  expect(elsewhere(returned)).toEqual(elsewhere(failedAtFirst));
});
