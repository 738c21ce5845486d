// The examples in the docstrings of @onceguard/testing run as they are.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { filesUnder, readRepositoryFile } from '../packages/source-trees.js';

// The adapter suite runs in vitest alone: test/packages/adapter-suite.test.ts runs its example.
const examples = filesUnder('packages/testing/src')
  .filter((file) => !file.startsWith('packages/testing/src/adapter-suite/'))
  .flatMap((file) => examplesIn(readRepositoryFile(file)).map((code) => [file, code] as const));

const servers = ['startRedis', 'startReplicaPair', 'startSentinelSet', 'startRedisCluster'];
const functionNames = ['storeSuite', 'new FaultStore', 'manualClock', 'startFaultProxy', ...servers];

test('Every main function of the package has an example', () => {
  const called = examples.map(([, code]) => code).join('\n');
  for (const name of functionNames) expect(called).toContain(`${name}(`);
});

test.each(examples)('The example in %s runs', async (_file, code) => {
  // The variables of the test runner would make node:test report to it.
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: new URL('..', import.meta.url),
    env,
    timeout: 60_000,
  });
  await expect(run).resolves.toMatchObject({ stdout: expect.not.stringMatching(/^# fail [1-9]/m) });
});

function examplesIn(source: string): string[] {
  return [...source.matchAll(/@example\n \* ```ts\n(.*?) \* ```/gs)].map(([, lines = '']) =>
    lines.replace(/^ \* ?/gm, ''),
  );
}
