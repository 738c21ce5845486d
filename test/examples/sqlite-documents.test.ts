// Runs the program of packages/sqlite/README.md on a file of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'onceguard-sqlite-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('The program of packages/sqlite/README.md books an event once, and finds it in the file', async () => {
  process.env.ONCEGUARD_DB = join(folder, 'onceguard.db');
  const { calls, event } = await import(`../../examples/${'application'}.ts`);
  const { book, store } = await import(`../../examples/readme/${'sqlite-package'}.ts`);
  expect(await book(event)).toBe(await book(event));
  await store.close();
  expect(calls.map(({ system }: { system: string }) => system)).toEqual(['ledger']);
});
