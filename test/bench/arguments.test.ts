// The command line of the benchmark: which run it selects, and what it rejects.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { readArguments, usage } from '../../bench/arguments.js';
import { rows } from '../../bench/rows.js';

test.each([
  [[], { kind: 'main', rows: null }],
  [['--full'], { kind: 'full', rows: null }],
  [['--memory'], { kind: 'memory', rows: null }],
  [['--short'], { kind: 'short', rows: null }],
  [['--micro'], { kind: 'micro', rows: null }],
  [['--report'], { kind: 'report', rows: null }],
  [['--rows', 'bare,limit'], { kind: 'main', rows: ['bare', 'limit'] }],
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
  [['--short', '--rows', 'bare'], '--rows is an option of the main run, not of --short'],
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
