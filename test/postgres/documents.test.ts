// docs/postgres.md lists what the code has, and the program of the README runs.
import { expect, test } from 'vitest';
import { findingTable } from '../../packages/postgres/src/findings.js';
import { codesIn, sections, tableRows } from '../packages/markdown.js';
import { postgresUrl } from '../support/shared-postgres.js';

test('docs/postgres.md lists each finding with its severity', () => {
  const rows = tableRows(
    sections('docs/postgres.md', (title) => title === 'Findings'),
    'code',
  );
  const listed = rows.map(([code = '', severity]) => [codesIn(code)[0], severity]);
  expect(listed).toEqual(Object.entries(findingTable).map(([code, { severity }]) => [code, severity]));
});

test('The program of packages/postgres/README.md books an event once, and its repeat gets the recorded result', async () => {
  process.env.DATABASE_URL = await postgresUrl();
  const { calls, event } = await import(`../../examples/${'application'}.ts`);
  const { book, store } = await import(`../../examples/readme/${'postgres-package'}.ts`);
  expect(await book(event)).toBe(await book(event));
  await store.close();
  expect(
    calls.map(({ system }: { system: string }) => system).filter((system: string) => system === 'ledger'),
  ).toHaveLength(1);
});
