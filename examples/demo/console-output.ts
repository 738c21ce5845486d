// The output of the demo: a sentence for each scene, what each request got, and how often the card was charged.
import { STATUS_CODES } from 'node:http';
import type { PaymentResponse } from './client.js';
import type { Scene, SceneResult } from './scenes.js';

export const usage = `Usage: npm run demo -- [--redis redis://host:port] [--serve]

  --redis URL   keep the records on this Redis, not in the memory of the server; adds a scene with two servers
  --serve       leave the payments API up afterwards, with curl lines to try`;

export function printScene(number: number, scene: Scene, seen: SceneResult, charged: number, held: boolean): void {
  console.log(`\n${number}. ${scene.title}`);
  console.log(`   ${scene.description}`);
  for (const { who, answer } of seen.responses) console.log(`   → ${who} got: ${describeResponse(answer)}`);
  const expected = held ? '' : ` (expected: ${scene.charges} charges, and the answers that the story needs)`;
  console.log(`   ${held ? '✓' : '✗'} ${chargesText(charged)}${expected}`);
}

export function printCurlLines(url: string): void {
  const line = (key: string, amount: number) =>
    `  curl -i ${url} -H 'Content-Type: application/json' -H 'Idempotency-Key: ${key}' -d '{"amount":${amount}}'`;
  console.log('The payments API is still up (Ctrl-C ends it). Try a payment, the same again, and another amount:\n');
  console.log([line('my-first-key', 20), line('my-first-key', 20), line('my-first-key', 99)].join('\n'));
}

function describeResponse(answer: PaymentResponse | string): string {
  if (typeof answer === 'string') return `nothing, ${answer}`;
  const repeated = answer.replayed ? ' (the recorded answer)' : '';
  return `${answer.status} ${STATUS_CODES[answer.status] ?? ''}${repeated} ${visibleText(answer)}`;
}

/** The human-readable sentence of a refusal. */
function visibleText({ status, text }: PaymentResponse): string {
  if (status < 400 || !text.includes('"title"')) return text;
  const { title } = JSON.parse(text) as { title: string };
  return `"${title}"`;
}

function chargesText(charges: number): string {
  if (charges === 0) return 'The card was not charged again.';
  return `The card was charged ${charges === 1 ? 'once' : `${charges} times`}.`;
}
