// The API of the reports: accepts a request, adds a job under the same key, and reports its progress.
import type { IdempotencyStore } from '@onceguard/core';
import { idempotency, idempotencyOf } from '@onceguard/express';
import type { Queue } from 'bullmq';
import express, { type Express, type Request } from 'express';
import { keptMs, type Report, type ReportRequest } from './queue.js';

export interface ApiOptions {
  readonly store: IdempotencyStore;
  readonly queue: Queue<ReportRequest, Report>;
  /** Called after the job was added, before the response is sent. */
  readonly onEnqueued: () => void;
}

export function reportsApi({ store, queue, onEnqueued }: ApiOptions): Express {
  const app = express();
  app.use(express.json());

  app.post(
    '/reports',
    idempotency({
      store,
      scope: userOf,
      required: true,
      ttlMs: keptMs,
      // Long enough to add a job, and short enough to wait for after a server died.
      leaseMs: 2_000,
      onInProgress: { waitMs: 10_000 },
    }),
    async (req, res) => {
      // The same for every repeat of this request, on every server: BullMQ ignores a job whose id it already has.
      const id = idempotencyOf(req).deriveKey('job');
      await queue.add('report', { user: userOf(req), customer: req.body.customer }, { jobId: id });
      onEnqueued();
      res.status(202).location(`/reports/${id}`).json({ id, state: 'pending' });
    },
  );

  app.get('/reports/:id', async (req, res) => {
    // Read before the job. Otherwise a job that ends in between would be completed without a report.
    const state = await queue.getJobState(req.params.id);
    const job = await queue.getJob(req.params.id);
    // An id is not secret: whoever guesses the key can compute it.
    if (job === undefined || job.data.user !== userOf(req)) {
      res.status(404).json({ error: 'There is no such report.' });
      return;
    }
    if (state === 'completed') res.json({ id: job.id, state: 'done', report: job.returnvalue });
    else if (state === 'failed') res.json({ id: job.id, state: 'failed', error: job.failedReason });
    else res.json({ id: job.id, state: 'pending' });
  });
  return app;
}

/** A real application takes the id of its authenticated user. */
function userOf(req: Request): string {
  return req.get('X-User') ?? 'demo';
}
