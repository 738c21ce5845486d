// The snippet of README.md. What is between the marks is an exact copy: change both.

// #region snippet

import { idempotency } from '@onceguard/express';
import { SqliteStore } from '@onceguard/sqlite';
import express from 'express';

const store = await SqliteStore.open(process.env.ONCEGUARD_DB ?? 'onceguard.db');
const app = express();
app.use(express.json());
app.post('/orders', idempotency({ store, scope: 'public' }), (req, res) => {
  res.status(201).json({ order: crypto.randomUUID(), item: req.body.item });
});
const server = app.listen(Number(process.env.PORT ?? 3000));

// #endregion

export { server, store };
