// Requests whose effect and response are one transaction of SQLite.
import { join } from 'node:path';
import { idempotency, idempotencyOf } from '@onceguard/express';
import { SqliteStore } from '@onceguard/sqlite';
import express from 'express';
import { expect, test } from 'vitest';
import { newDirectory, openBeside } from '../sqlite/sqlite-libraries.js';

test('A response is recorded with its payment, a 500 undoes both, and a restart forgets nothing', async () => {
  const directory = newDirectory();
  const path = join(directory.path, 'shop.db');
  const beside = openBeside(path);
  beside.exec('PRAGMA journal_mode = WAL');
  beside.exec('CREATE TABLE payments (id INTEGER PRIMARY KEY)');
  const statuses = [500, 201];
  const seen: unknown[] = [];
  try {
    for (let at = 0; at < 3; at += 1) {
      const [status, replayed] = await sendToNewServer(path, statuses);
      const { n } = beside.prepare('SELECT count(*) AS n FROM payments').get() as { n: number };
      seen.push([status, replayed, Number(n)]);
    }
    expect(seen).toEqual([
      [500, null, 0],
      [201, null, 1],
      [201, 'true', 1],
    ]);
  } finally {
    beside.close();
    directory.remove();
  }
});

async function sendToNewServer(path: string, statuses: number[]): Promise<[number, string | null]> {
  const store = await SqliteStore.open(path);
  const transaction = store.transactions();
  const app = express();
  app.use(express.json());
  app.post('/payments', idempotency({ store, scope: 'public', transaction }), (req, res) => {
    transaction.of(idempotencyOf(req)).prepare('INSERT INTO payments DEFAULT VALUES').run();
    res.status(statuses.shift() ?? 200).json({ left: statuses.length });
  });
  const server = app.listen(0);
  try {
    const { port } = server.address() as { port: number };
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'pay-1' };
    const response = await fetch(`http://127.0.0.1:${port}/payments`, { method: 'POST', headers, body: '{}' });
    await response.text();
    return [response.status, response.headers.get('idempotent-replayed')];
  } finally {
    server.closeAllConnections();
    server.close();
    await store.close();
  }
}
