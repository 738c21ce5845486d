// The layers of the design, and that no files import each other in a circle, read from the imports.
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { expect, test } from 'vitest';
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

interface Layer {
  /** The layers that it may import: each stands above it in the list, so that no circle can be written down. */
  readonly layers: readonly string[];
  /** What else it may import; `node:*` is all that Node has. */
  readonly modules?: readonly string[];
}

const leaves = ['process-wide', 'placeholder', 'errors', 'events', 'parse-options', 'digest', 'value-codec', 'timers'];
const port = ['protocol/record', 'protocol', 'store'];
const redisLayers = ['stores/redis/wire', 'stores/redis/connection', 'stores/redis/diagnostics'];

/** A layer of core is a folder or a file of `src`; what a record is stands apart from what is done with it. */
const coreLayers: Readonly<Record<string, Layer>> = {
  'process-wide': { layers: [] },
  placeholder: { layers: [] },
  errors: { layers: [] },
  events: { layers: ['process-wide', 'errors'], modules: ['node:diagnostics_channel'] },
  'parse-options': { layers: ['errors'], modules: ['zod'] },
  digest: { layers: [], modules: ['node:crypto'] },
  'value-tree': { layers: [], modules: ['node:util'] },
  'value-codec': { layers: ['value-tree'], modules: ['node:buffer'] },
  timers: { layers: [] },
  'protocol/record': { layers: [] },
  protocol: { layers: ['protocol/record', 'errors'] },
  store: { layers: ['protocol/record', 'protocol'] },
  'stores/store-options': { layers: [...leaves, 'store'], modules: ['zod'] },
  'stores/memory': { layers: [...leaves, ...port, 'stores/store-options'], modules: ['zod', 'node:cluster'] },
  'stores/local-cache': { layers: [...leaves, ...port, 'stores/store-options'], modules: ['zod', 'lru-cache'] },
  'stores/redis/wire': { layers: [...leaves, ...port], modules: ['node:buffer', 'node:crypto'] },
  'stores/redis/connection': {
    layers: [...leaves, ...port, 'stores/store-options', 'stores/redis/wire'],
    modules: ['zod', 'ioredis', 'node:async_hooks', 'node:net', 'node:tls', 'node:util'],
  },
  'stores/redis/diagnostics': {
    layers: [...leaves, ...port, 'stores/redis/wire', 'stores/redis/connection'],
    modules: ['node:net', 'node:tls'],
  },
  'stores/redis': { layers: [...leaves, ...port, ...redisLayers] },
  engine: { layers: [...leaves, ...port], modules: ['zod', 'uuid', 'node:zlib'] },
  functions: { layers: [...leaves, 'store', 'engine'], modules: ['zod', 'node:util/types'] },
  admin: { layers: [...leaves, ...port, 'engine', 'functions'], modules: ['zod', 'node:util/types'] },
  // What Node has for servers stays in `node`: this layer is for servers of every kind.
  http: {
    layers: [...leaves, 'store', 'engine'],
    modules: ['zod', 'node:buffer', 'node:util', 'node:util/types', 'node:zlib'],
  },
  node: { layers: [...leaves, 'http'], modules: ['node:*'] },
  cli: { layers: [...leaves, ...redisLayers], modules: ['node:util'] },
  index: { layers: [...leaves, ...port, 'stores/memory', 'stores/local-cache', 'engine', 'functions', 'admin'] },
};

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

test.each(['express', 'koa', 'bullmq', 'testing'] as const)(
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
  ['stores/redis/a.ts', "import { a } from '../../cli/doctor.js';", 'stores/redis may not import ../../cli/doctor.js'],
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
  [
    'functions/a.ts',
    "import { drainStore } from '../admin/drain-store.js';",
    'functions may not import ../admin/drain-store.js',
  ],
  ['http/a.ts', "import { a } from '../node/capture/capture.js';", 'http may not import ../node/capture/capture.js'],
  ['http/a.ts', "import { createServer } from 'node:http';", 'http may not import node:http'],
  ['errors.ts', "import { publish } from './events.js';", 'errors may not import ./events.js'],
  ['node/a.ts', "import type { Request } from 'express';", 'node may not import express'],
  ['metrics/index.ts', 'export {};', 'metrics is not a layer'],
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

/** The one package beside core that a package is about. */
const frameworks: Readonly<Partial<Record<PackageName, string>>> = {
  express: 'express',
  koa: 'koa',
  bullmq: 'bullmq',
  testing: 'ioredis',
};

function offencesInAdapter(source: ParsedSource, framework: PackageName): string[] {
  const offending = importsOf(source).filter((module) => {
    if (module.startsWith('.')) return posix.join(posix.dirname(source.file), module).split('/')[1] !== framework;
    return !(module === frameworks[framework] || isBuiltIn(module) || /^@onceguard\/core(\/[a-z]+)?$/.test(module));
  });
  return offending.map((module) => `${source.file}: @onceguard/${framework} may not import ${module}`);
}

function isBuiltIn(module: string): boolean {
  return builtinModules.includes(module.replace(/^node:/, ''));
}

function packageOf(module: string): string {
  return module.split('/', module.startsWith('@') ? 2 : 1).join('/');
}
