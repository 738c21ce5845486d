// The snippet of packages/inspector/README.md. What is between the marks is an exact copy: change both.
import type { IncomingMessage } from 'node:http';

/** Stands for the sign-in of an application. */
const operatorOf = (req: IncomingMessage): string | null =>
  req.headers.authorization === 'Bearer operator-token' ? 'ada@example.com' : null;

// #region snippet

import { RedisStore } from '@onceguard/core/redis';
import { inspector } from '@onceguard/inspector';
import express from 'express';

const store = await RedisStore.connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const app = express();
app.use('/onceguard', inspector({ store, authorize: (req) => operatorOf(req) }));

// #endregion

export { app, store };
