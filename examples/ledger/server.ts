// A ledger on Express and PostgreSQL: the transfer, the recorded response and the message to other systems are one transaction.
//
// DATABASE_URL=postgres://… REDIS_URL=redis://… node --import tsx examples/ledger/server.ts
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { idempotency, idempotencyOf } from '@onceguard/express';
import { PostgresStore, pgTransactions } from '@onceguard/postgres';
import { Queue } from 'bullmq';
import express from 'express';
import { Pool } from 'pg';

const url = process.env.DATABASE_URL ?? 'postgres://127.0.0.1:5432/ledger';
const pool = new Pool({ connectionString: url });
pool.on('error', (error) => console.error(error.message));
const store = await PostgresStore.connect(url);
await store.migrate();
await pool.query('CREATE TABLE IF NOT EXISTS accounts (id text PRIMARY KEY, cents bigint NOT NULL CHECK (cents >= 0))');
await pool.query(`CREATE TABLE IF NOT EXISTS transfers (
  id bigserial PRIMARY KEY, sender text NOT NULL, receiver text NOT NULL, cents bigint NOT NULL)`);

const transactions = pgTransactions(pool);
const transaction = store.transactions(transactions);
const app = express();

app.post(
  '/transfers',
  express.json(),
  idempotency({ store, scope: (request) => request.get('x-user') ?? 'nobody', required: true, transaction }),
  async (request, response) => {
    const { receiver, cents } = request.body;
    const sender = request.get('x-user') ?? 'nobody';
    const context = idempotencyOf(request);
    const client = transaction.of(context);
    // Everything in here is committed together with the response, or not at all.
    const withdrawn = await client.query(
      'UPDATE accounts SET cents = cents - $2 WHERE id = $1 AND cents >= $2 RETURNING cents',
      [sender, cents],
    );
    if (withdrawn.rows.length === 0) {
      response.status(402).json({ error: 'not enough money' });
      return;
    }
    await client.query('UPDATE accounts SET cents = cents + $2 WHERE id = $1', [receiver, cents]);
    const { rows } = await client.query(
      'INSERT INTO transfers (sender, receiver, cents) VALUES ($1, $2, $3) RETURNING id::int',
      [sender, receiver, cents],
    );
    const message = JSON.stringify({ transfer: rows[0].id, receiver, cents });
    await context.enqueue('transfer.made', message, { orderingKey: `account ${sender}` });
    // Last: what is written after the response is no part of it.
    response.status(201).json({ id: rows[0].id, left: Number(withdrawn.rows[0].cents) });
  },
);

// The relay publishes what was committed: at least once, so the job has the id of the message.
const queue = new Queue('notifications', { connection: { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' } });
const stopping = new AbortController();
const relay = store.relay(
  async ({ id, topic, payload }) => await queue.add(topic, JSON.parse(payload.toString()), { jobId: id }),
  { transactions, signal: stopping.signal, onError: (error) => console.error(error) },
);

const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
console.log(`The ledger listens on port ${(server.address() as AddressInfo).port}.`);

async function stop(): Promise<void> {
  server.close();
  stopping.abort();
  await relay;
  await queue.close();
  await store.close();
  await pool.end();
}

process.once('SIGTERM', () => void stop());
