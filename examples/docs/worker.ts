// A program of docs/jobs.md. What is between the marks is an exact copy: change both.
import { connection, handle, store } from '../application.js';

// #region snippet

import { idempotentProcessor } from '@onceguard/bullmq';
import { Worker } from 'bullmq';

new Worker('orders', idempotentProcessor(handle, { store, key: (job) => job.data.orderId }), { connection });

// #endregion
