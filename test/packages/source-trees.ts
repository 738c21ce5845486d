// The sources of the packages as syntax trees, for tests that hold what the code as a whole must look like.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

// biome-ignore format: one line
export const packageNames = ['core', 'express', 'koa', 'fastify', 'nest', 'web', 'hono', 'h3', 'lambda', 'sqlite', 'postgres', 'bullmq', 'opentelemetry', 'prometheus', 'client', 'testing', 'inspector', 'cli'] as const;

export type PackageName = (typeof packageNames)[number];

/** A node of the tree, by ESTree and its extension for TypeScript. */
export interface SyntaxNode {
  readonly type: string;
  readonly [property: string]: unknown;
}

export interface ParsedSource {
  /** Relative to the root, with slashes. */
  readonly file: string;
  readonly nodes: readonly SyntaxNode[];
}

export function readRepositoryFile(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The files under a folder of the repository, as paths relative to the root. */
export function filesUnder(folder: string): string[] {
  return filesIn(join(root, folder)).map((file) => `${folder}/${file}`);
}

/** The files of any folder, relative to it, with slashes; installed packages apart. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((file) => !file.includes('node_modules/'))
    .sort();
}

export function sourcesOf(name: PackageName): ParsedSource[] {
  return filesUnder(`packages/${name}/src`).map((file) => parse(file, readRepositoryFile(file)));
}

export function parse(file: string, text: string): ParsedSource {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join('; ')}`);
  return { file, nodes: [...allNodes(program)] };
}

/** What a source imports, in every form: `import`, `export … from`, `import()`, and types as `import('…').Name`. */
export function importsOf({ nodes }: ParsedSource): string[] {
  return nodes
    .filter(({ type }) => importing.has(type))
    .map(({ source }) => literalText(source))
    .filter((module) => module !== undefined);
}

const importing = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]);

/** The source of a compiled file that the manifest of a package names, such as `./dist/esm/index.js`. */
export function sourceOfCompiled(name: string, compiled: string): string {
  return `packages/${name}/${compiled.replace('./dist/esm/', 'src/').replace(/\.js$/, '.ts')}`;
}

/** The names that a module exports, types too, those that it passes on included. */
export function exportsOf(file: string): string[] {
  const { module } = parseSync(file, readRepositoryFile(file));
  const names = module.staticExports
    .flatMap(({ entries }) => entries)
    .flatMap(({ exportName, moduleRequest }) => {
      if (exportName.name !== null) return [exportName.name];
      const passedOn = posix.join(posix.dirname(file), moduleRequest?.value ?? '');
      return exportsOf(passedOn.replace(/\.js$/, '.ts'));
    });
  return names.sort();
}

/** The members of an interface, with those of the interfaces that it extends, as far as they stand among `sources`. */
export function membersOf(sources: readonly ParsedSource[], name: string): string[] {
  const found = sources
    .flatMap(({ nodes }) => nodes)
    .find((node) => node.type === 'TSInterfaceDeclaration' && nameOf(node.id) === name);
  if (found === undefined) return [];
  const inherited = childNodes(found.extends).flatMap((clause) => {
    const name = nameOf(clause.expression) ?? '';
    return name === 'Pick' ? pickedNames(clause) : membersOf(sources, name);
  });
  return [...inherited, ...membersWithin(found.body)];
}

/** The names that a `Pick` picks, where they are written out. */
function pickedNames(clause: SyntaxNode): string[] {
  return [...allNodes(clause.typeArguments)].map(literalText).filter((name) => name !== undefined);
}

/** The members that an interface body or a type literal has itself, in their order. */
export function membersWithin(body: unknown): string[] {
  if (!isNode(body)) return [];
  return childNodes(body.body ?? body.members)
    .map(({ key }) => nameOf(key))
    .filter((name) => name !== undefined);
}

export function childNodes(list: unknown): SyntaxNode[] {
  return Array.isArray(list) ? list.filter(isNode) : [];
}

export function nameOf(node: unknown): string | undefined {
  return isNode(node) && typeof node.name === 'string' ? node.name : literalText(node);
}

function literalText(node: unknown): string | undefined {
  return isNode(node) && typeof node.value === 'string' ? node.value : undefined;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function* allNodes(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) {
    for (const entry of value) yield* allNodes(entry);
  } else if (isNode(value)) {
    yield value;
    for (const child of Object.values(value)) yield* allNodes(child);
  }
}
