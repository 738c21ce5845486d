// Reads the documents: files, tables, fenced code, headings as anchors, links.
import { filesUnder, readRepositoryFile } from './source-trees.js';

/** Every document of the repository that a user reads. */
export const documents: readonly string[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...filesUnder('docs').filter((file) => file.endsWith('.md')),
  ...filesUnder('packages').filter((file) => /^packages\/[^/]+\/README\.md$/.test(file)),
];

/** The text under the headings that `isWanted`, each up to the next heading of any level. */
export function sections(file: string, isWanted: (title: string) => boolean): string {
  const parts = readRepositoryFile(file).split(/^#{1,6} +/m);
  return parts.filter((part) => isWanted(part.split('\n', 1)[0] ?? '')).join('\n');
}

/** The text under the headings of the second level that `isWanted`, with everything below them. */
export function chapters(file: string, isWanted: (title: string) => boolean): string {
  const parts = readRepositoryFile(file).split(/^## +/m);
  return parts.filter((part) => isWanted(part.split('\n', 1)[0] ?? '')).join('\n');
}

/** The rows of the tables whose first column has this heading, as cells; without the head. */
export function tableRows(text: string, firstHeading: string): string[][] {
  const rows: string[][] = [];
  let wanted = false;
  for (const line of text.split('\n')) {
    const cells = cellsOf(line);
    if (cells === null) wanted = false;
    else if (cells[0] === firstHeading) wanted = true;
    else if (wanted && !/^-+$/.test(cells[0] ?? '')) rows.push(cells);
  }
  return rows;
}

function cellsOf(line: string): string[] | null {
  if (!line.startsWith('|')) return null;
  const inner = line.replace(/^\|/, '').replace(/\|\s*$/, '');
  return inner.split('|').map((cell) => cell.trim());
}

/** What stands between backticks. */
export function codesIn(text = ''): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
}

/** The fenced blocks in a language. */
export function fencedBlocks(file: string, language: string): string[] {
  const blocks = readRepositoryFile(file).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'));
  return [...blocks].map(([, code]) => code ?? '');
}

/** The anchors of the headings, as the usual hosts make them. */
export function anchorsOf(file: string): string[] {
  const taken = new Map<string, number>();
  return [...prose(file).matchAll(/^#{1,6} +(.*)$/gm)].map(([, title]) => {
    const text = (title ?? '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = text.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
    const before = taken.get(anchor) ?? 0;
    taken.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** The targets of the links, `[text](target)` and `[label]: target`. */
export function linksIn(file: string): string[] {
  const text = prose(file).replace(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)/gm)].map(([, inline, label]) => inline ?? label ?? '');
}

/** Without fenced code, in which neither headings nor links are any. */
function prose(file: string): string {
  return readRepositoryFile(file).replace(/^(```|~~~).*?^\1/gms, '');
}
