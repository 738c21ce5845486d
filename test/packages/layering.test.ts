// The layers of the design, and that no files import each other in a circle, read from the imports.
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { coreLayers } from './core-layers.js';
import { importCycles } from './import-cycles.js';
import {
  importsOf,
  type PackageName,
  type ParsedSource,
  packageNames,
  parse,
  readRepositoryFile,
  sourcesOf,
} from './source-trees.js';

test('No layer of core imports one that is not below it in the design', () => {
  expect(sourcesOf('core').flatMap(offencesInCore)).toEqual([]);
});

test('The layers are in an order in which each uses only what comes before it: there is no circle', () => {
  const names = Object.keys(coreLayers);
  for (const [index, { layers }] of Object.values(coreLayers).entries()) {
    expect(names.slice(0, index), names[index]).toEqual(expect.arrayContaining([...layers]));
  }
});

/** Groups of files that still import each other. No group is added, and each one goes. */
const knownCycles: readonly (readonly string[])[] = [];

test.each(packageNames)(
  'No files of @onceguard/%s import each other in a circle, apart from the known ones',
  (name) => {
    const known = knownCycles.filter(([first]) => first?.startsWith(`packages/${name}/`));
    expect(importCycles(sourcesOf(name))).toEqual(known);
  },
);

test('A circle of files is found in every form of import, and everything that leads out of it is left out', () => {
  const texts = {
    'src/lease.ts': "import type { Store } from './store/index.js';",
    'src/store/index.ts': "export * from './memory.js';",
    'src/store/memory.ts': "type Lease = import('../lease.js').Lease; import { hash } from '../digest.js';",
    'src/digest.ts': "import { createHash } from 'node:crypto';",
    'src/entry.ts': "import './lease.js'; import './self.js';",
    'src/self.ts': "await import('./self.js');",
  };
  const sources = Object.entries(texts).map(([file, text]) => parse(file, text));
  expect(importCycles(sources)).toEqual([
    ['src/lease.ts', 'src/store/index.ts', 'src/store/memory.ts'],
    ['src/self.ts'],
  ]);
});

test.each(packageNames.filter((name) => name !== 'core'))(
  '@onceguard/%s imports core by its public names, its framework, and Node',
  (name) => {
    expect(sourcesOf(name).flatMap((source) => offencesInAdapter(source, name))).toEqual([]);
  },
);

test.each(packageNames)('Every module that @onceguard/%s imports is a dependency or a peer in its manifest', (name) => {
  const manifest = JSON.parse(readRepositoryFile(`packages/${name}/package.json`));
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const imported = sourcesOf(name)
    .flatMap(importsOf)
    .filter((module) => !module.startsWith('.') && !isBuiltIn(module));
  expect(declared).toEqual(expect.arrayContaining([...new Set(imported.map(packageOf))]));
});

const broken: readonly (readonly [file: string, text: string, offence: string])[] = [
  ['protocol/owner.ts', "import { publish } from '../events.js';", 'protocol may not import ../events.js'],
  ['protocol/record.ts', "import type { Lease } from './messages.js';", 'protocol/record may not import ./messages.js'],
  [
    'store/port.ts',
    "export * from '../stores/memory/memory-store.js';",
    'store may not import ../stores/memory/memory-store.js',
  ],
  [
    'stores/memory/a.ts',
    "import { run } from '../../engine/run.js';",
    'stores/memory may not import ../../engine/run.js',
  ],
  ['stores/memory/a.ts', "import { a } from '../redis/index.js';", 'stores/memory may not import ../redis/index.js'],
  ['stores/redis/a.ts', "export * from '../../http/index.js';", 'stores/redis may not import ../../http/index.js'],
  [
    'stores/redis/wire/a.ts',
    "import { a } from '../connection/redact.js';",
    'stores/redis/wire may not import ../connection/redact.js',
  ],
  [
    'stores/redis/connection/a.ts',
    "import { a } from '../diagnostics/health.js';",
    'stores/redis/connection may not import ../diagnostics/health.js',
  ],
  [
    'engine/a.ts',
    "import type { A } from '../http/http-exchange.js';",
    'engine may not import ../http/http-exchange.js',
  ],
  ['engine/a.ts', "import type { A } from '../functions/a.js';", 'engine may not import ../functions/a.js'],
  ['engine/a.ts', "type A = import('../stores/redis/index.js').A;", 'engine may not import ../stores/redis/index.js'],
  ['engine/a.ts', "const redis = await import('ioredis');", 'engine may not import ioredis'],
  ['http/a.ts', "import { a } from '../node/capture/capture.js';", 'http may not import ../node/capture/capture.js'],
  ['http/a.ts', "import { createServer } from 'node:http';", 'http may not import node:http'],
  ['errors.ts', "import { publish } from './events.js';", 'errors may not import ./events.js'],
  ['node/a.ts', "import type { Request } from 'express';", 'node may not import express'],
  ['plugins/index.ts', 'export {};', 'plugins is not a layer'],
];

test.each(broken)('In core/src/%s, %s would be found', (file, text, offence) => {
  expect(offencesInCore(parse(`packages/core/src/${file}`, text))).toEqual([`packages/core/src/${file}: ${offence}`]);
});

test.each([
  "import { run } from '@onceguard/core/dist/esm/engine/run.js';",
  "import { run } from '../../core/src/engine/run.js';",
  "import Koa from 'koa';",
])('In express/src/index.ts, %s would be found', (text) => {
  expect(offencesInAdapter(parse('packages/express/src/index.ts', text), 'express')).toHaveLength(1);
});

function offencesInCore(source: ParsedSource): string[] {
  const within = source.file.replace('packages/core/src/', '');
  const name = layerOf(within);
  const layer = coreLayers[name];
  if (layer === undefined) return [`${source.file}: ${name} is not a layer`];
  const mayImport = (module: string): boolean => {
    if (!module.startsWith('.')) return mayUse(layer.modules ?? [], module);
    const target = layerOf(posix.join(posix.dirname(within), module));
    return target === name || layer.layers.includes(target);
  };
  const offending = importsOf(source).filter((module) => !mayImport(module));
  return offending.map((module) => `${source.file}: ${name} may not import ${module}`);
}

function mayUse(allowed: readonly string[], module: string): boolean {
  return allowed.includes(module) || (allowed.includes('node:*') && isBuiltIn(module));
}

function layerOf(file: string): string {
  const segments = file.replace(/\.(js|ts)$/, '').split('/');
  const paths = segments.map((_, index) => segments.slice(0, segments.length - index).join('/'));
  return paths.find((path) => path in coreLayers) ?? segments[0] ?? '';
}

/** What a package imports of its framework. */
const frameworks: Readonly<Partial<Record<PackageName, readonly string[]>>> = {
  express: ['express'],
  koa: ['koa'],
  fastify: ['fastify', 'fastify-plugin'],
  nest: ['@nestjs/common', '@nestjs/core', '@nestjs/microservices', 'graphql', 'rxjs'],
  hono: ['hono', 'hono/route'],
  sqlite: ['zod'],
  postgres: ['pg', 'zod'],
  h3: ['h3'],
  bullmq: ['bullmq'],
  opentelemetry: ['@opentelemetry/api'],
  prometheus: ['prom-client'],
  testing: ['ioredis'],
  cli: ['@onceguard/inspector', '@onceguard/postgres', '@onceguard/sqlite', '@onceguard/web', 'pg'],
};

function offencesInAdapter(source: ParsedSource, framework: PackageName): string[] {
  const offending = importsOf(source).filter((module) => {
    if (module.startsWith('.')) return posix.join(posix.dirname(source.file), module).split('/')[1] !== framework;
    if (module === 'vitest') return !source.file.startsWith('packages/testing/src/adapter-suite/');
    return !(
      frameworks[framework]?.includes(module) ||
      isBuiltIn(module) ||
      /^@onceguard\/core(\/[a-z]+)?$/.test(module)
    );
  });
  return offending.map((module) => `${source.file}: @onceguard/${framework} may not import ${module}`);
}

function isBuiltIn(module: string): boolean {
  return builtinModules.includes(module.replace(/^node:/, ''));
}

function packageOf(module: string): string {
  return module.split('/', module.startsWith('@') ? 2 : 1).join('/');
}
