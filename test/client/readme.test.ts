// The program of the README, and the errors of docs/client.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runToEnd } from '../examples/run-program.js';
import { codesIn, tableRows } from '../packages/markdown.js';
import { readRepositoryFile } from '../packages/source-trees.js';
import { openPayments } from './payments-server.js';
import { startScriptedProxy } from './scripted-proxy.js';

test('The program of the README of the client pays once, over a lost answer and when it is started again', async () => {
  const server = await openPayments();
  const proxy = await startScriptedProxy(server.port, [{ kind: 'lose_answer' }]);
  const keys = mkdtempSync(join(tmpdir(), 'onceguard-readme-'));
  const run = () =>
    runToEnd('readme/client-package.ts', [], { PAYMENTS_URL: `http://127.0.0.1:${proxy.port}/payments`, KEYS: keys });
  expect((await run()).text).toMatch(/^201 \{"charge":1,.* sent 2 time\(s\)\n$/);
  expect((await run()).text).toMatch(/^201 \{"charge":1,.* sent 1 time\(s\)\n$/);
  expect(server.charges).toHaveLength(1);
  rmSync(keys, { recursive: true });
  await proxy.close();
  await server.close();
});

test('docs/client.md says of every error code what it means and what to tell a customer', () => {
  const source = readRepositoryFile('packages/client/src/errors.ts');
  const [, union = ''] = /type ClientErrorCode =([^;]*);/.exec(source) ?? [];
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(3);
  const documented = tableRows(readRepositoryFile('docs/client.md'), 'what you get').flatMap(([, code]) =>
    codesIn(code),
  );
  expect(documented.sort()).toEqual(codes.sort());
});
