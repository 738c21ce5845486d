// The output of the demo: a sentence for each scene, what each request got, and how often the card was charged.
import { STATUS_CODES } from 'node:http';
import type { PaymentResponse } from './client.js';
import type { Scene, SceneResult } from './scenes.js';

export const usage = `Usage: onceguard demo [--redis redis://host:port] [--serve]

Starts a payments API, sends it what goes wrong in real life, and prints what happened. Needs nothing.

  --redis <url>   keep the records on this Redis. Default: in a file of SQLite, which is removed at the end; on Node 20, which has no
                  SQLite, in memory, without the scenes in which a server is killed
  --serve         leave the payments API up afterwards, with curl lines to try, and the inspector with a doubt to decide

Exit status: 0 every payment was charged once, 1 something is wrong, 2 not carried out.`;

export function printScene(number: number, scene: Scene, seen: SceneResult, charged: number, held: boolean): void {
  console.log(`\n${number}. ${scene.title}`);
  console.log(`   ${scene.description}`);
  for (const { who, response } of seen.responses) console.log(`   → ${who} got: ${describeResponse(response)}`);
  const expected = held ? '' : ` (expected: ${scene.charges} charges, and the answers that the story needs)`;
  console.log(`   ${held ? '✓' : '✗'} ${chargesText(charged)}${expected}`);
}

export function printInspector(url: string): void {
  console.log(`The payments API and the inspector are up (Ctrl-C ends them).\n\nThe inspector: ${url}`);
  console.log('What nobody knows waits under Doubts: decide it there, and the next try gets your answer.\n');
}

export function printCurlLines(url: string): void {
  const line = (key: string, amount: number) =>
    `  curl -i ${url} -H 'Content-Type: application/json' -H 'Idempotency-Key: ${key}' -d '{"amount":${amount}}'`;
  console.log('Try a payment, the same again, and another amount:\n');
  console.log([line('my-first-key', 20), line('my-first-key', 20), line('my-first-key', 99)].join('\n'));
}

function describeResponse(response: PaymentResponse | string): string {
  if (typeof response === 'string') return `nothing, ${response}`;
  const repeated = response.replayed ? ' (the recorded answer)' : '';
  return `${response.status} ${STATUS_CODES[response.status] ?? ''}${repeated} ${visibleText(response)}`;
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
