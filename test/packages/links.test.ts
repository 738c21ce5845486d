// Links between the documents lead somewhere.
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';
import { anchorsOf, documents, linksIn } from './markdown.js';
import { root } from './source-trees.js';

test.each(documents)('Every relative link of %s leads to a file, and to a heading in it', (file) => {
  expect(
    linksIn(file)
      .map((link) => brokenLink(file, link))
      .filter((why) => why !== null),
  ).toEqual([]);
});

test('The documents are linked with each other', () => {
  const relative = documents.flatMap(linksIn).filter((link) => !isElsewhere(link));
  expect(relative.length).toBeGreaterThan(documents.length);
});

test.each([
  ['README.md', 'docs/nowhere.md', 'docs/nowhere.md: no such file'],
  ['docs/http.md', 'errors.md#nowhere', 'errors.md#nowhere: no such heading'],
  ['docs/http.md', '#nowhere', '#nowhere: no such heading'],
  ['docs/http.md', '/docs/errors.md', '/docs/errors.md: not relative'],
  ['docs/http.md', 'errors.md#events', null],
  ['docs/http.md', 'options.md#requests', null],
  ['README.md', 'examples', null],
])('In %s the link %s would be judged: %s', (file, link, verdict) => {
  expect(brokenLink(file, link)).toBe(verdict);
});

function brokenLink(file: string, link: string): string | null {
  if (isElsewhere(link)) return null;
  if (link.startsWith('/')) return `${link}: not relative`;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? file : posix.join(posix.dirname(file), decodeURI(path));
  if (!existsSync(join(root, target))) return `${link}: no such file`;
  if (anchor === undefined || !target.endsWith('.md')) return null;
  return anchorsOf(target).includes(anchor) ? null : `${link}: no such heading`;
}

function isElsewhere(link: string): boolean {
  return /^[a-z]+:/.test(link);
}
