// The correctness probe: what every row has to do before its speed matters.
import { randomUUID } from 'node:crypto';
import type { Server } from './bench-environment.js';

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Null if the row behaves correctly; else what it does instead. */
export async function probe(server: Server): Promise<string | null> {
  if (server.row.kind === 'bare') return null;
  const key = randomUUID();
  const before = (await server.usage()).runs;
  const first = await pay(server.url, key);
  const afterFirst = (await server.usage()).runs;
  // A row may write its record after the response.
  const second = await pay(server.url, key);
  const afterSecond = (await server.usage()).runs;

  if (first.status !== 201) return `a fresh request is answered ${first.status}`;
  if (afterFirst !== before + 1) return `a fresh request does the work ${afterFirst - before} times`;
  if (afterSecond !== afterFirst) return 'a replay does the work again';
  if (second.status !== first.status) return `a replay is answered ${second.status}, not ${first.status}`;
  if (second.body !== first.body) return 'a replay has another body';
  return null;
}

async function pay(url: string, key: string): Promise<Answer> {
  const response = await fetch(`${url}/payments`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify({ amount: 4_200, currency: 'EUR', note: '' }),
  });
  return { status: response.status, body: await response.text() };
}
