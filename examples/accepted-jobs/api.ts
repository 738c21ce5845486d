// The API of the reports: accepts a request, hands it on to the queue under the same key, and says how it is getting on.
import type { IdempotencyStore } from '@onceguard/core';
import { idempotency, idempotencyOf } from '@onceguard/express';
import type { Queue } from 'bullmq';
import express, { type Express, type Request } from 'express';
import { keptMs, type Report, type ReportRequest } from './queue.js';

export interface ApiOptions {
  readonly store: IdempotencyStore;
  readonly queue: Queue<ReportRequest, Report>;
  /** Called when the job is in the queue, before the request is answered. */
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
      // Long enough to enqueue something, and short enough to wait for when a server dies.
      leaseMs: 2_000,
      onInProgress: { waitMs: 10_000 },
    }),
    async (req, res) => {
      // The same for every repeat of this request, at whatever server: BullMQ ignores a job whose id it has already.
      const id = idempotencyOf(req).deriveKey('job');
      await queue.add('report', { user: userOf(req), customer: req.body.customer }, { jobId: id });
      onEnqueued();
      res.status(202).location(`/reports/${id}`).json({ id, state: 'pending' });
    },
  );

  app.get('/reports/:id', async (req, res) => {
    // Asked before the job: else one that ends in between would be done, and its report not there yet.
    const state = await queue.getJobState(req.params.id);
    const job = await queue.getJob(req.params.id);
    // An id is no secret: it can be computed by whoever guesses the key.
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
