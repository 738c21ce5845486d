// What a tarball holds: the sources, their declarations and what the entry points load, whole and nothing else, and a manifest that leads to it.
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linksIn } from './markdown.js';
import {
  createProject,
  installPackages,
  type Manifest,
  type PackedPackage,
  packedPackages,
  runNode,
} from './packed-packages.js';
import { exportsOf, filesIn, filesUnder, packageNames, readRepositoryFile, sourceOfCompiled } from './source-trees.js';

const ofNest = (name: string) => `../../packages/nest/node_modules/${name}`;

const peers = {
  ...{
    express: 'express',
    koa: 'koa',
    ioredis: 'ioredis',
    bullmq: 'bullmq',
    fastify: 'fastify',
    hono: 'hono',
    h3: 'h3',
    pg: 'pg',
    '@types/pg': '@types/pg',
    'prom-client': 'prom-client',
  },
  '@opentelemetry/api': '@opentelemetry/api',
  '@nestjs/common': ofNest('@nestjs/common'),
  '@nestjs/core': ofNest('@nestjs/core'),
  rxjs: ofNest('rxjs'),
};

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-contents-'));
let packed: PackedPackage[] = [];
let loaded: readonly LoadedEntry[] = [];

interface LoadedEntry {
  /** As a program names it, such as `@onceguard/core/redis`. */
  readonly entry: string;
  readonly imported: string[];
  readonly required: string[];
  /** The compilers of users make a default import of it according to that. */
  readonly isMarked: boolean;
  readonly isStrict: boolean;
}

beforeAll(async () => {
  packed = await packedPackages();
  installPackages(folder, packed, peers);
  // In one process: most of them load core.
  const files = { 'exports.mjs': readRepositoryFile('test/packages/projects/exports.mjs') };
  const entries = packed.flatMap(({ manifest }) => entriesOf(manifest));
  loaded = JSON.parse(await runNode(createProject(folder, 'loads-all', files), 'exports.mjs', entries));
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }), 180_000);

/** Entry points for import alone, and their sources: vitest loads ES modules only. */
const esModules = ['./adapters'];
const formatsOf = (source: string) => (source.startsWith('src/adapter-suite/') ? ['esm'] : ['esm', 'cjs']);

function conditionsOf(path: string): string[] {
  if (path === './package.json') return [''];
  const forImport = ['import.types', 'import.default'];
  return esModules.includes(path) ? forImport : [...forImport, 'require.types', 'require.default'];
}

describe.each(packageNames)('The tarball of @onceguard/%s', (name) => {
  const tarball = () => packed.find((other) => other.name === name) ?? expect.unreachable();

  test('holds the sources, their declarations, what its entry points load, its programs, README, LICENSE, manifest, and nothing else', () => {
    const { bin, exports } = tarball().manifest;
    const sources = filesUnder(`packages/${name}/src`).map((file) => file.replace(`packages/${name}/`, ''));
    const declarations = sources.flatMap((file) =>
      formatsOf(file).flatMap((format) =>
        ['.d.ts', '.d.ts.map'].map((end) => file.replace(/^src/, `dist/${format}`).replace(/\.ts$/, end)),
      ),
    );
    const entries = Object.values(exports).flatMap((conditions) => targetsOf(conditions).map(([, target]) => target));
    const scripts = loadedBy(
      tarball(),
      entries.filter((target) => target.endsWith('.js')).map((target) => posix.normalize(target)),
    );
    const ofBundler = (file: string) => posix.basename(file) === 'rolldown-runtime.js';
    const bundles = scripts.flatMap((file) => (ofBundler(file) ? [file] : [file, `${file}.map`]));
    const programs = Object.values(bin ?? {});
    const own = ['package.json', 'README.md', 'LICENSE', 'dist/cjs/package.json'];
    expect(filesIn(tarball().folder)).toEqual([...sources, ...declarations, ...bundles, ...programs, ...own].sort());
  });

  test('has a README that begins with its name, and the licence of the repository', () => {
    expect(fileText(tarball(), 'README.md')).toMatch(new RegExp(`^# @onceguard/${name}\n`));
    expect(fileText(tarball(), 'LICENSE')).toBe(readRepositoryFile('LICENSE'));
  });

  test('has a README whose links lead to what the tarball holds: on npm there is nothing around it', () => {
    const links = linksIn(`packages/${name}/README.md`).map((link) => link.split('#')[0] ?? '');
    const missing = links.filter((link) => link !== '' && !existsSync(join(tarball().folder, link)));
    expect(missing).toEqual([]);
    expect(fileText(tarball(), 'README.md')).toBe(readRepositoryFile(`packages/${name}/README.md`));
  });

  test('has source maps and declaration maps that lead to its own sources', () => {
    const maps = filesIn(tarball().folder).filter((file) => file.endsWith('.map'));
    const targets = maps.flatMap((file) => {
      const { sources, sourceRoot = '' } = JSON.parse(fileText(tarball(), file));
      return sources.map((source: string) => posix.join(posix.dirname(file), sourceRoot, source));
    });
    expect(targets.length).toBeGreaterThanOrEqual(maps.length);
    expect(filesIn(tarball().folder)).toEqual(expect.arrayContaining([...new Set(targets)]));
  });

  test('has a manifest whose exports all exist, with types for import and for require', () => {
    const { exports } = tarball().manifest;
    for (const [path, conditions] of Object.entries(exports)) {
      const targets = targetsOf(conditions);
      expect(
        targets.map(([condition]) => condition),
        path,
      ).toEqual(conditionsOf(path));
      for (const [, target] of targets) expect(existsSync(join(tarball().folder, target)), target).toBe(true);
    }
  });

  test('leads a TypeScript that does not read exports (moduleResolution node) to the same declarations', () => {
    const { exports, main, types, typesVersions } = tarball().manifest;
    const paths = Object.keys(exports).filter((path) => path !== './package.json' && !esModules.includes(path));
    const led = paths.map((path) => [path, path === '.' ? types : typesVersions?.['*'][path.slice(2)]?.[0]]);
    expect(Object.fromEntries(led)).toEqual(
      Object.fromEntries(paths.map((path) => [path, Object.fromEntries(targetsOf(exports[path]))['require.types']])),
    );
    expect(main).toBe(Object.fromEntries(targetsOf(exports['.']))['require.default']);
  });

  test('asks for versions that a registry knows', () => {
    const { dependencies, peerDependencies } = tarball().manifest;
    for (const range of Object.values({ ...dependencies, ...peerDependencies })) expect(range).toMatch(/^[\^~]?\d/);
  });

  test('exports the same names to import and to require, from every entry point, and strict code', () => {
    for (const entry of entriesOf(tarball().manifest)) {
      const { imported, required, ...kept } = loaded.find((one) => one.entry === entry) ?? expect.unreachable(entry);
      const path = entry.replace(`@onceguard/${name}`, '.');
      const compiled = Object.fromEntries(targetsOf(tarball().manifest.exports[path]))['import.default'] ?? '';
      expect(imported.length, entry).toBeGreaterThan(0);
      expect(required, entry).toEqual(imported);
      expect(kept, entry).toEqual({ entry, isMarked: true, isStrict: true });
      expect(exportsOf(sourceOfCompiled(name, compiled)), entry).toEqual(expect.arrayContaining(imported));
    }
  });
});

/** What a package depends on beside core. */
const furtherDependencies: Readonly<Record<string, readonly string[]>> = {
  '@onceguard/fastify': ['fastify-plugin'],
  '@onceguard/sqlite': ['zod'],
  '@onceguard/postgres': ['zod'],
};

/** For callers: it has no dependency at all. */
const independent = ['@onceguard/client'];

test('Core depends on zod, uuid and lru-cache alone, and the others on core of the same commit and on what the table says', () => {
  const [core, ...others] = packed.map(({ manifest }) => manifest);
  expect(Object.keys(core?.dependencies ?? {}).sort()).toEqual(['lru-cache', 'uuid', 'zod']);
  for (const { name, dependencies } of others) {
    if (independent.includes(name)) {
      expect(dependencies, name).toBeUndefined();
      continue;
    }
    const further = (furtherDependencies[name] ?? []).map((module) => [module, expect.any(String)]);
    const ofCli = name === '@onceguard/cli' ? cliDependencies(core?.version) : {};
    expect(dependencies, name).toEqual({
      '@onceguard/core': `^${core?.version}`,
      ...Object.fromEntries(further),
      ...ofCli,
    });
  }
});

/** The command runs by npx alone, so it brings the stores with it, and the clients of Redis and PostgreSQL. */
function cliDependencies(version: string | undefined): Record<string, unknown> {
  const own = ['inspector', 'postgres', 'sqlite', 'web'].map((name) => [`@onceguard/${name}`, `^${version}`] as const);
  return { ...Object.fromEntries(own), ioredis: expect.any(String), pg: expect.any(String) };
}

function fileText({ folder: at }: PackedPackage, file: string): string {
  return readFileSync(join(at, file), 'utf8');
}

/** These scripts, and those that they name by a relative path, to the last one. */
function loadedBy(tarball: PackedPackage, entries: readonly string[]): string[] {
  const found = new Set(entries);
  for (const file of found) {
    const names = fileText(tarball, file).matchAll(/["'](\.\.?\/[^"'\n]+\.js)["']/g);
    for (const [, relative = ''] of names) found.add(posix.join(posix.dirname(file), relative));
  }
  return [...found];
}

function entriesOf({ name, exports }: Manifest): string[] {
  const paths = Object.keys(exports).filter((path) => path !== './package.json' && !esModules.includes(path));
  return paths.map((path) => `${name}${path.slice(1)}`);
}

/** The files that a tree of conditions leads to, with the conditions on the way. */
function targetsOf(conditions: unknown): [conditions: string, target: string][] {
  if (typeof conditions === 'string') return [['', conditions]];
  return Object.entries(conditions ?? {}).flatMap(([name, inner]) =>
    targetsOf(inner).map(([rest, target]): [string, string] => [rest === '' ? name : `${name}.${rest}`, target]),
  );
}
