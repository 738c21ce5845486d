// A short chaos run: the full one is `npm run chaos`, with 10,000 keys over 10 minutes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { networkFaults, ownerFaults, serverFaults } from '../chaos/fault-schedule.js';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const program = fileURLToPath(new URL('../chaos/main.ts', import.meta.url));

async function chaos(...args: string[]): Promise<{ readonly status: number; readonly text: string }> {
  const child = spawn(process.execPath, ['--import', tsx, program, ...args]);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [status] = await once(child, 'close');
  return { status: Number(status), text };
}

test('a run with faults of every kind breaks no promise', { timeout: 120_000 }, async () => {
  const { status, text } = await chaos('--keys', '300', '--seed', '2', '--minutes', '0.25');
  expect(text).toContain('No violation.');
  expect(status).toBe(0);
  for (const fault of [...networkFaults, ...serverFaults, ...ownerFaults]) {
    expect(text).toMatch(new RegExp(`^faults: .*\\b${fault} [1-9]`, 'm'));
  }
  expect(Number(/executions: (\d+)/.exec(text)?.[1])).toBeGreaterThan(200);
});

test.each([
  [['--keys', 'many'], '--keys many: this is not a number above 0'],
  [['--keys', '1.5'], '--keys and --seed are whole numbers'],
  [['--sed', '1'], "Unknown option '--sed'"],
])('reports the mistake in %j, and its usage', async (args, mistake) => {
  const { status, text } = await chaos(...args);
  expect(text).toContain(mistake);
  expect(text).toContain('Usage: npm run chaos');
  expect(status).toBe(2);
});
