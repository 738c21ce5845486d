// "Customer alice says that she was charged twice last night, for order-17." From these words to the record, in three commands.
// Run it with REDIS_URL, or on redis://127.0.0.1:6379.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { main as onceguard } from '@onceguard/cli';
import { RedisStore } from '@onceguard/core/redis';
import { httpPaymentPolicy, idempotency, idempotencyOf } from '@onceguard/express';
import express from 'express';

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const prefix = `support-case:${randomUUID()}:`;
await lastNight();

const store = [url, '--prefix', prefix];
const request = ['--scope', 'alice', '--key', 'order-17', '--method', 'POST', '--path', '/payments'];

// 1. Is anything in doubt? Then nobody knows, and that comes first.
await command('doubts', ...store);
// 2. The record: its timeline, the answer that alice got twice, and the key to search for at the provider.
await command('find', ...store, ...request, '--derive', 'charge');
// 3. The same for a ticket, as JSON.
await command('find', ...store, ...request, '--derive', 'charge', '--json');

async function command(...words: string[]): Promise<void> {
  console.log(`\n$ onceguard ${words.join(' ').replace(url, 'redis://…')}\n`);
  await onceguard(words);
}

/** Alice pays for order 17, and her phone sends the request again. */
async function lastNight(): Promise<void> {
  const payments = await RedisStore.connect({ url, prefix });
  const app = express();
  app.use(express.json());
  app.post(
    '/payments',
    idempotency({ ...httpPaymentPolicy, store: payments, required: true, scope: (req) => req.get('X-User') ?? '' }),
    (req, res) => {
      // A real handler passes this key to its payment provider.
      const providerKey = idempotencyOf(req).deriveKey('charge');
      console.log(`The provider was called with the key ${providerKey}`);
      res.status(201).json({ charge: 'ch_1', amount: req.body.amount });
    },
  );
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const headers = { 'Content-Type': 'application/json', 'X-User': 'alice', 'Idempotency-Key': 'order-17' };
  for (let sent = 0; sent < 2; sent += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/payments`, {
      method: 'POST',
      headers,
      body: '{"amount":20}',
    });
    console.log(`Alice got ${response.status} ${await response.text()}`);
  }
  server.closeAllConnections();
  server.close();
  await payments.close();
}
