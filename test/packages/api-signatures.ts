// The signatures in docs/api.md: written from the declarations that the build emits, without their comments.
import { dirname, join } from 'node:path';
import { parseSync } from 'vite';
import { readRepositoryFile } from './source-trees.js';

/** One declaration of a `.d.ts` file. */
export interface Declaration {
  readonly kind: string;
  readonly text: string;
}

const maxWidth = 110;
const marked = /(<!-- signatures (\S+): ([^>]+?) -->\n).*?(<!-- \/signatures -->)/gs;

/** The page with every marked block written anew. */
export function fillSignatures(page: string): string {
  return page.replace(marked, (_all, begin: string, entry: string, names: string, end: string) => {
    const declarations = declarationsOf(entry);
    const blocks = names.split(/\s+/).map((name) => {
      const declaration = declarations.get(name);
      if (declaration === undefined) throw new Error(`${entry} declares no ${name}`);
      return declaration.text;
    });
    return `${begin}\`\`\`ts\n${joinBlocks(blocks)}\n\`\`\`\n${end}`;
  });
}

/** The names in the marks of an entry point. */
export function markedNames(page: string, entry: string): string[] {
  return [...page.matchAll(marked)]
    .filter((match) => match[2] === entry)
    .flatMap((match) => (match[3] ?? '').split(/\s+/));
}

/** What the compiled entry point declares itself, by exported name. What it passes on from another package is left out. */
export function declarationsOf(entry: string): Map<string, Declaration> {
  const [, name = '', path = ''] = /^@onceguard\/([a-z0-9]+)(.*)$/.exec(entry) ?? [];
  const { exports } = JSON.parse(readRepositoryFile(`packages/${name}/package.json`));
  return declarationsIn(join(`packages/${name}`, exports[`.${path}`].import.types));
}

function declarationsIn(file: string): Map<string, Declaration> {
  const text = readRepositoryFile(file);
  const { program, module, comments } = parseSync(file, text);
  const found = new Map<string, Declaration>();
  for (const node of program.body) {
    if (node.type !== 'ExportNamedDeclaration' || !node.declaration) continue;
    const { declaration } = node;
    const id = 'id' in declaration ? declaration.id : declaration.declarations[0]?.id;
    if (id?.type !== 'Identifier') continue;
    const inside = comments.filter(({ start, end }) => start >= node.start && end <= node.end);
    found.set(id.name, { kind: declaration.type, text: layOut(withoutRanges(text, node, inside)) });
  }
  for (const { moduleRequest, importName, exportName } of module.staticExports.flatMap(({ entries }) => entries)) {
    if (!moduleRequest?.value.startsWith('.')) continue;
    const passedOn = declarationsIn(join(dirname(file), moduleRequest.value.replace(/\.js$/, '.d.ts')));
    const wanted = [...passedOn].filter(([name]) => exportName.name === null || name === importName.name);
    for (const [name, declaration] of wanted) found.set(exportName.name ?? name, declaration);
  }
  return found;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function withoutRanges(text: string, { start, end }: Range, removed: readonly Range[]): string {
  const bounds = [start, ...removed.flatMap((range) => [range.start, range.end]), end];
  return bounds.flatMap((from, at) => (at % 2 === 0 ? [text.slice(from, bounds[at + 1])] : [])).join('');
}

/** What is no part of a class's interface: private members, and those under symbols. */
const hiddenMember = /^(#private;|get \[|static \[|static readonly errorName)/;

/** What a store has because it is one: the interface shows it. */
const storeMember =
  /^(acquire|renew|checkpoint|complete|release|resolve|read|scan|remove|close|onAttemptEnded)(\(|: Idem)/;

/** An object type with one member, which fits on one line. */
const shortObjectType = /(?<=[<:] ?)\{\n\s*([^\n{}]+;)\n\s*\}/g;

function layOut(declaration: string): string {
  const lines = declaration
    .replace(/^export (declare )?/, '')
    .replace(shortObjectType, '{ $1 }')
    .replace(/(?<=\()\n\s*/g, '')
    .replace(/,\s*\n\s*/g, ', ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trimEnd().replace(/^( {4})+/, (indent) => ' '.repeat(indent.length / 2)));
  const isStore = / implements IdempotencyStore /.test(lines[0] ?? '');
  const isHidden = (member: string) => hiddenMember.test(member) || (isStore && storeMember.test(member));
  const isClass = declaration.startsWith('export declare class');
  const shown = lines.filter((line) => !isClass || !isHidden(line.trim()));
  return shown
    .map(wrapParameters)
    .join('\n')
    .replace(longReturnType, '{ … };')
    .replace(/ \{\n\}$/, ' {}');
}

/** An object type of more than six members that a function returns. */
const longReturnType = /(?<=^function [^\n]*\): )\{\n(?:[^\n]*\n){7,}\};$/;

/** A callable that is too wide has its parameters on lines of their own. */
function wrapParameters(line: string): string {
  if (line.length <= maxWidth) return line;
  const [from, to] = parameterRange(line);
  if (to < 0) return line;
  const indent = /^ */.exec(line)?.[0] ?? '';
  const parameters = splitAtCommas(line.slice(from + 1, to)).map((parameter) => `${indent}  ${parameter.trim()},\n`);
  return `${line.slice(0, from + 1)}\n${parameters.join('')}${indent}${line.slice(to)}`;
}

/** The positions of the parentheses around the parameters: the first ones outside of type parameters. */
function parameterRange(line: string): [from: number, to: number] {
  const depths = depthsOf(line);
  const from = [...line].findIndex((char, at) => char === '(' && depths[at] === 0);
  const to = [...line].findIndex((char, at) => at > from && char === ')' && depths[at] === 0);
  return [from, to];
}

function splitAtCommas(text: string): string[] {
  const depths = depthsOf(text);
  const commas = [...text].flatMap((char, at) => (char === ',' && depths[at] === 0 ? [at] : []));
  return [...commas, text.length].map((end, at) => text.slice(at === 0 ? 0 : (commas[at - 1] ?? 0) + 1, end));
}

/** How many brackets are open around each character. The arrow of a function type closes none. */
function depthsOf(text: string): number[] {
  let depth = 0;
  return [...text].map((char, at) => {
    if (')]}'.includes(char) || (char === '>' && text[at - 1] !== '=')) depth -= 1;
    const around = depth;
    if ('([{<'.includes(char)) depth += 1;
    return around;
  });
}

/** An empty line around what takes several lines. */
function joinBlocks(blocks: readonly string[]): string {
  return blocks.reduce((text, block) => {
    const isLong = block.includes('\n') || text.includes('\n');
    return text === '' ? block : `${text}${isLong ? '\n\n' : '\n'}${block}`;
  }, '');
}
