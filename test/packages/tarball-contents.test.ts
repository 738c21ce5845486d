// What a tarball holds: what was compiled and its sources, whole and nothing else, and a manifest that leads to it.
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
  packAll,
  runNode,
} from './packed-packages.js';
import { exportsOf, filesIn, filesUnder, packageNames, readRepositoryFile, sourceOfCompiled } from './source-trees.js';

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-contents-'));
let packed: PackedPackage[] = [];

beforeAll(async () => {
  packed = await packAll(join(folder, 'packed'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(packageNames)('The tarball of @onceguard/%s', (name) => {
  const tarball = () => packed.find((other) => other.name === name) ?? expect.unreachable();

  test('holds the sources, what each was compiled to, its programs, README, LICENSE, manifest, and nothing else', () => {
    const sources = filesUnder(`packages/${name}/src`).map((file) => file.replace(`packages/${name}/`, ''));
    const compiled = sources.flatMap((file) =>
      ['esm', 'cjs'].flatMap((format) =>
        ['.js', '.js.map', '.d.ts', '.d.ts.map'].map((end) =>
          file.replace(/^src/, `dist/${format}`).replace(/\.ts$/, end),
        ),
      ),
    );
    const programs = Object.values(tarball().manifest.bin ?? {});
    const own = ['package.json', 'README.md', 'LICENSE', 'dist/cjs/package.json'];
    expect(filesIn(tarball().folder)).toEqual([...sources, ...compiled, ...programs, ...own].sort());
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
      ).toEqual(
        path === './package.json' ? [''] : ['import.types', 'import.default', 'require.types', 'require.default'],
      );
      for (const [, target] of targets) expect(existsSync(join(tarball().folder, target)), target).toBe(true);
    }
  });

  test('leads a TypeScript that does not read exports (moduleResolution node) to the same declarations', () => {
    const { exports, main, types, typesVersions } = tarball().manifest;
    const paths = Object.keys(exports).filter((path) => path !== './package.json');
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

  test('exports the same names to import and to require, from every entry point', async () => {
    const at = join(folder, name);
    const peers = { express: 'express', koa: 'koa', ioredis: 'ioredis', bullmq: 'bullmq' };
    installPackages(at, packed, peers);
    const found = JSON.parse(
      await runNode(
        createProject(at, 'project', { 'exports.mjs': readRepositoryFile('test/packages/projects/exports.mjs') }),
        'exports.mjs',
        entriesOf(tarball().manifest),
      ),
    );
    for (const { entry, imported, required } of found) {
      const path = entry.replace(`@onceguard/${name}`, '.');
      const compiled = Object.fromEntries(targetsOf(tarball().manifest.exports[path]))['import.default'] ?? '';
      expect(imported.length, entry).toBeGreaterThan(0);
      expect(required, entry).toEqual(imported);
      expect(exportsOf(sourceOfCompiled(name, compiled)), entry).toEqual(expect.arrayContaining(imported));
    }
  });
});

test('Core depends on zod, uuid and lru-cache alone, the adapters on core alone, and on the core of the same commit', () => {
  const [core, ...adapters] = packed.map(({ manifest }) => manifest);
  expect(Object.keys(core?.dependencies ?? {}).sort()).toEqual(['lru-cache', 'uuid', 'zod']);
  for (const { dependencies } of adapters) expect(dependencies).toEqual({ '@onceguard/core': `^${core?.version}` });
});

function fileText({ folder: at }: PackedPackage, file: string): string {
  return readFileSync(join(at, file), 'utf8');
}

function entriesOf({ name, exports }: Manifest): string[] {
  const paths = Object.keys(exports).filter((path) => path !== './package.json');
  return paths.map((path) => `${name}${path.slice(1)}`);
}

/** The files that a tree of conditions leads to, with the conditions on the way. */
function targetsOf(conditions: unknown): [conditions: string, target: string][] {
  if (typeof conditions === 'string') return [['', conditions]];
  return Object.entries(conditions ?? {}).flatMap(([name, inner]) =>
    targetsOf(inner).map(([rest, target]): [string, string] => [rest === '' ? name : `${name}.${rest}`, target]),
  );
}
