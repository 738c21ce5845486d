// The packages under jest in jsdom, as the tests of an application with pages run them.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const folder = fileURLToPath(new URL('jsdom', import.meta.url));

it('In jsdom, whose timers have no unref, functions and requests run once', async () => {
  const manifest = createRequire(import.meta.url).resolve('jest/package.json');
  const jest = join(dirname(manifest), 'bin/jest.js');
  const ran = await promisify(execFile)(
    process.execPath,
    [jest, '--forceExit', '--rootDir', folder, '--config', join(folder, 'jest.config.json')],
    {
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  ).catch((error: { stdout: string; stderr: string }) => error);
  expect(ran.stderr).toMatch(/Tests: +4 passed, 4 total/);
});
