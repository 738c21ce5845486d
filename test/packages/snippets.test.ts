// The snippets of the READMEs are programs: each is the copy of a file that the compiler checks and a test runs.
import { describe, expect, test } from 'vitest';
import { fenced } from './markdown.js';
import { filesUnder, packageNames, read } from './sources.js';

const readmes = ['README.md', ...packageNames.map((name) => `packages/${name}/README.md`)];
const programs = new Map(
  filesUnder('examples/readme').flatMap((file) => {
    const snippet = snippetIn(read(file));
    return snippet === undefined ? [] : [[file, snippet] as const];
  }),
);
const shown = readmes.flatMap((file) =>
  fenced(file, 'ts').map((code, at) => [`${file}, block ${at + 1}`, code] as const),
);

describe('The READMEs', () => {
  test.each(shown)('show a program that is run: %s', (_where, code) => {
    expect([...programs.values()], 'a file of examples/readme has it between its marks').toContain(code.trim());
  });

  test.each([...programs])('show the program %s', (_file, snippet) => {
    expect(shown.map(([, code]) => code.trim())).toContain(snippet);
  });
});

/** What stands between the marks. */
function snippetIn(source: string): string | undefined {
  return /^\/\/ #region snippet\n(.*?)^\/\/ #endregion/ms.exec(source)?.[1]?.trim();
}
