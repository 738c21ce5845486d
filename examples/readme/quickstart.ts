// The snippet of README.md. What is between the marks is an exact copy: change both.

// #region snippet

import { MemoryStore } from '@onceguard/core';
import { idempotency } from '@onceguard/express';
import express from 'express';

const app = express();
app.use(express.json());
app.post('/orders', idempotency({ store: new MemoryStore(), scope: 'public' }), (req, res) => {
  res.status(201).json({ order: crypto.randomUUID(), item: req.body.item });
});
const server = app.listen(Number(process.env.PORT ?? 3000));

// #endregion

export { server };
