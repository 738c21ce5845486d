// The programs that documents show are copies of files that the compiler checks and tests run.
import { expect, test } from 'vitest';
import { documents, fencedBlocks } from './markdown.js';
import { filesUnder, packageNames, readRepositoryFile } from './source-trees.js';

const readmes = ['README.md', ...packageNames.map((name) => `packages/${name}/README.md`)];
const programs = new Map(
  [...filesUnder('examples/readme'), ...filesUnder('examples/docs')].flatMap((file) => {
    const snippet = snippetIn(readRepositoryFile(file));
    return snippet === undefined ? [] : [[file, snippet] as const];
  }),
);
const blocksOf = (file: string) =>
  fencedBlocks(file, 'ts').map((code, at) => [`${file}, block ${at + 1}`, code.trim()] as const);

const pages = [
  'docs/client.md',
  'docs/errors.md',
  'docs/get-started.md',
  'docs/guides/graphql.md',
  'docs/guides/proxies.md',
  'docs/guides/timeouts.md',
  'docs/guides/trpc.md',
  'docs/guides/webhooks.md',
  'docs/jobs.md',
  'docs/operations.md',
  'docs/own-store.md',
  'docs/testing.md',
  'docs/unknown-outcomes.md',
];
const whole = pages.flatMap(blocksOf).filter(([, code]) => code.startsWith('import '));

test.each([...readmes.flatMap(blocksOf), ...whole])('%s is a program that the compiler checks', (_where, code) => {
  expect([...programs.values()], 'a file of examples/readme or examples/docs has it between its marks').toContain(code);
});

const shown = documents.flatMap(blocksOf).map(([, code]) => code);

test.each([...programs])('%s is shown by a document as it is', (_file, program) => {
  expect(shown).toContain(program);
});

/** The text between the marks. */
function snippetIn(source: string): string | undefined {
  return /^\/\/ #region snippet\n(.*?)^\/\/ #endregion/ms.exec(source)?.[1]?.trim();
}
