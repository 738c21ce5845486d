// An order is charged once, shipped once and mailed at most once, wherever the server dies. Needs a Redis. In the folder examples,
// after npm run build:
//
//   REDIS_URL=redis://localhost:6379 npx tsx payment-steps/main.ts
import { randomUUID } from 'node:crypto';
import { startBackOffice } from './back-office.js';
import { placeOrder } from './client.js';
import { killMoments, steps } from './kill-points.js';
import { type Fault, startProvider } from './provider.js';
import { superviseServer } from './supervisor.js';
import { fetchList } from './systems.js';

interface Scene {
  readonly title: string;
  readonly killAt?: string;
  readonly fault?: Fault;
}

const scenes: readonly Scene[] = [
  { title: 'nothing goes wrong' },
  ...steps
    .flatMap((step) => killMoments.map((moment) => `${step}, ${moment}`))
    .map((killAt) => ({ title: killAt, killAt })),
  { title: 'the provider charges, and its response is lost', fault: 'lose-response' },
  { title: 'the provider takes too long', fault: 'time-out' },
];

const redisUrl = process.env.REDIS_URL ?? 'redis://localhost:6379';
// A prefix of its own, so that every run starts without earlier orders.
const prefix = `payment-steps:${randomUUID()}:`;
const provider = await startProvider();
const backOffice = await startBackOffice();
const server = await superviseServer([redisUrl, prefix, provider.url, backOffice.url]);

console.log(`An order is placed: ${steps.join(', ')}. The server is killed at the point named, and started again;`);
console.log('the client sends the same request with the same key until it is answered.\n');
printRow(['killed', 'what recover found', 'what the client saw', 'reserved', 'charged', 'shipped', 'mailed']);
printRow(['---', '---', '---', '---', '---', '---', '---']);

let allAsExpected = true;
for (const [index, scene] of scenes.entries()) {
  const held = await runScene(scene, `order-${index + 1}`);
  allAsExpected &&= held;
}
console.log(
  allAsExpected ? '\nEvery order was charged, shipped and mailed once.' : '\nSomething is wrong: see the table.',
);
if (!allAsExpected) process.exitCode = 1;

await server.stop();
await Promise.all([provider.close(), backOffice.close()]);

async function runScene({ title, killAt, fault }: Scene, order: string): Promise<boolean> {
  if (fault !== undefined) await failNext(fault);
  const { seen, status } = await placeOrder(server.url, order, killAt);
  const lists = [
    `${backOffice.url}/reservations`,
    `${provider.url}/charges`,
    `${backOffice.url}/shipments`,
    `${backOffice.url}/mails`,
  ];
  const counts = await Promise.all(lists.map(async (url) => (await fetchList(`${url}?order=${order}`)).length));
  printRow([
    title,
    server.recoveriesOf(order).join(', ') || '-',
    seen.join(', '),
    ...counts.map((count) => `${count} x`),
  ]);
  return status === 201 && counts.every((count) => count === 1);
}

async function failNext(next: Fault): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  await fetch(`${provider.url}/fault`, { method: 'PUT', headers, body: JSON.stringify({ next }) });
}

function printRow(cells: readonly string[]): void {
  const widths = [44, 38, 29, 8, 7, 7, 6];
  console.log(`| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`);
}
