// The example accepted-jobs: one request is one job, whichever process dies between the two, and its key finds the job
// again.
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ReceivedResponse, send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { redisUrl } from '../support/redis.js';
import { listeningPort, startCompiled } from './run-program.js';

const running: ChildProcess[] = [];
const queues: Queue[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  for (const queue of queues.splice(0)) await queue.close();
});

const waitOptions = { timeout: 30_000, interval: 100 };

/** The two programs of the example on a prefix of their own, and their queue. */
function startPrograms() {
  const env = { REDIS_URL: redisUrl(), PREFIX: `accepted-jobs-${randomUUID()}` };
  const queue = new Queue('reports', { connection: { url: redisUrl() }, prefix: env.PREFIX });
  queues.push(queue);
  const start = async (file: string, more: Record<string, string> = {}) => {
    const child = await startCompiled(`accepted-jobs/${file}`, { ...env, PORT: '0', ...more });
    running.push(child);
    return child;
  };
  return {
    queue,
    startServer: async (more: Record<string, string> = {}) => await listeningPort(await start('server.ts', more)),
    /** Its output has one line for each report that it builds. */
    startWorker: async () => {
      const lines: string[] = [];
      const worker = await start('worker.ts');
      worker.stdout?.on('data', (text: Buffer) => lines.push(...text.toString().trim().split('\n')));
      return lines;
    },
  };
}

async function postReport(
  port: number,
  { key = 'january', user = 'alice', customer = 'acme' } = {},
): Promise<ReceivedResponse> {
  const request = { path: '/reports', key, headers: { 'x-user': user }, body: { customer } };
  for (;;) {
    const response = await send(port, request);
    // On a busy machine Redis may take longer than the store waits. A client then sends the request again.
    if (response.status !== 503) return response;
  }
}

async function getReport(port: number, accepted: ReceivedResponse, user = 'alice'): Promise<ReceivedResponse> {
  const path = accepted.headers.location ?? '';
  return await send(port, { method: 'GET', path, headers: { 'x-user': user } });
}

async function untilReportEnds(port: number, accepted: ReceivedResponse): Promise<Record<string, unknown>> {
  return await vi.waitFor(async () => {
    const status = (await getReport(port, accepted)).json();
    expect(status.state).not.toBe('pending');
    return status;
  }, waitOptions);
}

describe('accepted-jobs', () => {
  test('accepts a request as one job, whose URL in the response gives its user the state and the result', async () => {
    const { queue, startServer, startWorker } = startPrograms();
    const port = await startServer();
    const accepted = await postReport(port);
    const { id } = accepted.json();
    expect(accepted).toMatchObject({ status: 202, headers: { location: `/reports/${id}` } });
    expect((await getReport(port, accepted)).json()).toEqual({ id, state: 'pending' });

    await startWorker();
    expect(await untilReportEnds(port, accepted)).toEqual({
      id,
      state: 'done',
      report: { customer: 'acme', invoices: 4 },
    });
    expect((await getReport(port, accepted, 'bob')).status).toBe(404);
    expect((await queue.getJobCounts()).completed).toBe(1);
  });

  test('finds the job again by the same key, also at another server, whatever has happened to it', async () => {
    const { queue, startServer, startWorker } = startPrograms();
    const [port, other] = await Promise.all([startServer(), startServer()]);
    const [accepted, ...duplicates] = await Promise.all([
      postReport(port),
      postReport(other),
      postReport(port),
      postReport(other),
    ]);
    const built = await startWorker();
    await untilReportEnds(other, accepted);
    for (const again of [...duplicates, await postReport(port), await postReport(other)]) {
      expect(again).toMatchObject({
        status: 202,
        text: accepted.text,
        headers: { location: accepted.headers.location },
      });
    }
    expect((await postReport(port)).headers['idempotent-replayed']).toBe('true');
    expect(await queue.count()).toBe(0);
    expect(built).toEqual([`Built the report ${accepted.json().id}.`]);

    const bobs = await postReport(port, { user: 'bob' });
    expect(bobs.json().id).not.toBe(accepted.json().id);
    expect((await postReport(port, { customer: 'other' })).status).toBe(422);
  });

  test('enqueues one job where the server died when the job was queued and not yet on record', async () => {
    const { queue, startServer, startWorker } = startPrograms();
    const dying = await startServer({ DIE: 'enqueued' });
    await expect(postReport(dying)).rejects.toThrow();
    const [job] = await queue.getJobs();
    expect(job?.data).toEqual({ user: 'alice', customer: 'acme' });

    const port = await startServer();
    const accepted = await postReport(port);
    expect(accepted).toMatchObject({ status: 202, headers: { location: `/reports/${job?.id}` } });
    expect(accepted.headers['idempotent-replayed']).toBeUndefined();
    expect(await queue.count()).toBe(1);

    const built = await startWorker();
    expect(await untilReportEnds(port, accepted)).toMatchObject({ state: 'done' });
    expect(built).toEqual([`Built the report ${job?.id}.`]);
  });

  test('runs a job once when it is queued a second time', async () => {
    const { queue, startServer, startWorker } = startPrograms();
    const port = await startServer();
    const accepted = await postReport(port);
    const built = await startWorker();
    const done = await untilReportEnds(port, accepted);

    const job = await queue.getJob(String(done.id));
    await job?.remove();
    await queue.add('report', job?.data, { jobId: job?.id ?? '' });
    expect(await untilReportEnds(port, accepted)).toEqual(done);
    expect(built).toHaveLength(1);
  });

  test('reports a job that failed for good, which the same key does not start again', async () => {
    const { startServer, startWorker } = startPrograms();
    const port = await startServer();
    const accepted = await postReport(port, { customer: 'nobody' });
    await startWorker();
    const failed = { id: accepted.json().id, state: 'failed', error: 'There is no customer nobody.' };
    expect(await untilReportEnds(port, accepted)).toEqual(failed);
    expect((await postReport(port, { customer: 'nobody' })).text).toBe(accepted.text);
    expect((await getReport(port, accepted)).json()).toEqual(failed);
  });
});
