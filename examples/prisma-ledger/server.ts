// A ledger on Express and Prisma: the models that a transfer writes, and the recorded response, are one transaction.
//
// cd examples/prisma-ledger && npx prisma generate && DATABASE_URL=postgres://… node --import tsx server.ts
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { idempotency, idempotencyOf } from '@onceguard/express';
import { PostgresStore, prismaTransactions } from '@onceguard/postgres';
import { PrismaPg } from '@prisma/adapter-pg';
import express from 'express';
import { PrismaClient } from './generated/ledger/client.js';

const url = process.env.DATABASE_URL ?? 'postgres://127.0.0.1:5432/ledger';
const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
// Now, and with a longer deadline, because the first transaction takes a moment: Prisma loads its compiler of queries.
await prisma.$connect();
const store = await PostgresStore.connect({ url, callTimeoutMs: 5_000 });
await store.migrate();
// `prisma migrate` does this in an application.
await prisma.$executeRaw`CREATE TABLE IF NOT EXISTS accounts (id text PRIMARY KEY, cents int NOT NULL)`;
await prisma.$executeRaw`CREATE TABLE IF NOT EXISTS transfers (
  id serial PRIMARY KEY, sender text NOT NULL, receiver text NOT NULL, cents int NOT NULL)`;

const transaction = store.transactions(prismaTransactions(prisma));
const app = express();

app.post(
  '/transfers',
  express.json(),
  idempotency({ store, scope: (request) => request.get('x-user') ?? 'nobody', required: true, transaction }),
  async (request, response) => {
    const { receiver, cents } = request.body;
    const sender = request.get('x-user') ?? 'nobody';
    const tx = transaction.of(idempotencyOf(request));
    // Everything in here is committed together with the response, or not at all.
    const { count } = await tx.account.updateMany({
      where: { id: sender, cents: { gte: cents } },
      data: { cents: { decrement: cents } },
    });
    if (count === 0) {
      response.status(402).json({ error: 'not enough money' });
      return;
    }
    await tx.account.update({ where: { id: receiver }, data: { cents: { increment: cents } } });
    const { id } = await tx.transfer.create({ data: { sender, receiver, cents } });
    // Last: what is written after the response is no part of it.
    response.status(201).json({ id });
  },
);

const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
console.log(`The ledger listens on port ${(server.address() as AddressInfo).port}.`);

async function stop(): Promise<void> {
  server.close();
  await store.close();
  await prisma.$disconnect();
}

process.once('SIGTERM', () => void stop());
