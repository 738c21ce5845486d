// The command line of the benchmark: which run it selects, and what it rejects.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { readArguments, usage } from '../../bench/arguments.js';
import { rows } from '../../bench/rows.js';

test.each([
  [[], { kind: 'main', rows: null, rounds: null }],
  [['--full'], { kind: 'full', rows: null, rounds: null }],
  [['--memory'], { kind: 'memory', rows: null, rounds: null }],
  [['--short'], { kind: 'short', rows: null, rounds: null }],
  [['--micro'], { kind: 'micro', rows: null, rounds: null }],
  [['--rounds', '2'], { kind: 'main', rows: null, rounds: 2 }],
  [['--frameworks'], { kind: 'frameworks', rows: null, rounds: null }],
  [['--telemetry'], { kind: 'telemetry', rows: null, rounds: null }],
  [['--sql'], { kind: 'sql', rows: null, rounds: null }],
  [['--sql', '--bloat', '0.5'], { kind: 'bloat', minutes: 0.5 }],
  [['--report'], { kind: 'report', rows: null, rounds: null }],
  [['--rows', 'bare,limit'], { kind: 'main', rows: ['bare', 'limit'], rounds: null }],
  [['--help'], 'help'],
])('%j means %j', (args, expected) => {
  expect(readArguments(args)).toEqual(expected);
});

test.each([
  [['--fast'], '--fast'],
  [['main'], 'main'],
  [['--full', '--short'], '--full and --short are different runs'],
  [['--rows', 'bare,nobody'], '--rows nobody: there is no such row'],
  [['--rows', ''], '--rows : there is no such row'],
  [['--bloat', '10'], '--bloat is an option of --sql'],
  [['--sql', '--bloat', 'long'], '--bloat long: give the minutes'],
  [['--short', '--rows', 'bare'], '--rows is an option of the main run, not of --short'],
  [['--micro', '--rounds', '2'], '--rounds is an option of the main run, not of --micro'],
  [['--rounds', '0'], '--rounds 0: give a number from 1 to 999'],
  [['--rounds', 'many'], '--rounds many: give a number from 1 to 999'],
])('%j is rejected, and the error says why', (args, why) => {
  expect(() => readArguments(args)).toThrow(why);
});

test('The usage names every row', () => {
  for (const { name } of rows) expect(usage).toContain(name);
});

test.each([
  [['--fast'], 2, 'stderr'],
  [['--help'], 0, 'stdout'],
] as const)('npm run bench -- %s ends at once with status %d, and prints its usage on %s', (args, status, where) => {
  const main = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const ended = spawnSync(process.execPath, ['--import', tsx, main, ...args], { encoding: 'utf8' });
  expect(ended.status).toBe(status);
  expect(ended[where]).toContain('Usage: npm run bench');
});

test('A version of Node that is not fetched is rejected, and the error names those that are', () => {
  const script = fileURLToPath(new URL('../../scripts/bench.mjs', import.meta.url));
  const ended = spawnSync(process.execPath, [script, '--node', '21'], { encoding: 'utf8' });
  expect(ended.status).toBe(2);
  expect(ended.stderr).toContain('--node 21: give one of 22, 24, 26.');
});
