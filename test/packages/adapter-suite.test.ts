// The packed adapter suite in the project of somebody who writes an adapter: with a vitest of its own, and nothing of this repository.
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformWithOxc } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProject, installPackages, packedPackages, runNode } from './packed-packages.js';
import { readRepositoryFile } from './source-trees.js';

const world = join(mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-adapters-')), 'world');

beforeAll(async () => {
  const packed = await packedPackages();
  const wanted = packed.filter(({ name }) => ['core', 'express', 'testing'].includes(name));
  installPackages(world, wanted, { express: 'express', vitest: 'vitest' });
}, 110_000);

afterAll(() => rmSync(join(world, '..'), { recursive: true, force: true }));

test('The program of docs/testing.md runs with vitest, and its tests pass', async () => {
  const source = readRepositoryFile('examples/docs/testing-adapter.ts');
  const { code } = await transformWithOxc(source, 'adapter.ts', { sourcemap: false, tsconfig: false });
  const at = createProject(world, 'adapter', { 'package.json': '{ "type": "module" }', 'adapter.test.js': code });
  const vitest = join(world, 'node_modules', 'vitest', 'vitest.mjs');
  await runNode(at, vitest, ['run', '-t', 'A step of a handler', '--reporter=json', '--outputFile=result.json']);
  const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(join(at, 'result.json'), 'utf8'));
  expect(numFailedTests).toBe(0);
  expect(numPassedTests).toBeGreaterThanOrEqual(5);
  expect(numTotalTests).toBeGreaterThan(500);
});
