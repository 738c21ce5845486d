// The snippet of packages/prometheus/README.md. What is between the marks is an exact copy: change both.

// #region snippet

import { createServer } from 'node:http';
import { MemoryStore, watchDoubts } from '@onceguard/core';
import { registerIdempotencyMetrics } from '@onceguard/prometheus';
import { register } from 'prom-client';

const store = new MemoryStore(); // the one of your routes
registerIdempotencyMetrics();
watchDoubts(store);

const metrics = createServer((_req, res) => {
  res.setHeader('Content-Type', register.contentType);
  void register.metrics().then((page) => res.end(page));
});
metrics.listen(Number(process.env.METRICS_PORT ?? 9464));

// #endregion

export { metrics, store };
