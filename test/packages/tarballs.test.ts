// The packed packages in bare projects, as users have them: ESM, CommonJS, TypeScript, bundled, on both majors of each peer.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, transformWithOxc } from 'vite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  createProject,
  installPackages,
  linkModule,
  type PackedPackage,
  packedPackages,
  runNode,
  runWorkspaceTool,
} from './packed-packages.js';
import { readRepositoryFile } from './source-trees.js';

// They run compilers, which take a busy machine more than a minute.
vi.setConfig({ testTimeout: 180_000 });

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-packed-'));
const program = readRepositoryFile('test/packages/projects/program.ts');
const frameworksProgram = readRepositoryFile('test/packages/projects/frameworks-program.ts');
const done = 'everything ran once\n';
const esm = '{ "type": "module" }';
const commonJs = '{ "type": "commonjs" }';

const newest = {
  express: 'express',
  koa: 'koa',
  ioredis: 'ioredis',
  bullmq: 'bullmq',
  '@opentelemetry/api': '@opentelemetry/api',
  'prom-client': 'prom-client',
  '@types/express': '@types/express',
  '@types/koa': '@types/koa',
};
const older = {
  express: 'express4',
  koa: 'koa2',
  ioredis: 'ioredis5',
  bullmq: 'bullmq5',
  '@opentelemetry/api': '@opentelemetry/api',
  'prom-client': 'prom-client',
  '@types/express': '@types/express4',
  '@types/koa': '@types/koa2',
};

const frameworks = { fastify: 'fastify', hono: 'hono', h3: 'h3' };

let packed: PackedPackage[] = [];

beforeAll(async () => {
  packed = await packedPackages();
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }), 180_000);

describe.each([
  ['express 5, koa 3, ioredis 6, bullmq 6', 'newest', newest],
  ['express 4, koa 2, ioredis 5, bullmq 5', 'older', older],
])('With %s, a program with every entry point in it runs', (_title, name, peers) => {
  const world = join(folder, name);

  beforeAll(() => {
    installPackages(world, packed, peers);
    linkModule(join(world, 'node_modules'), '@types/node', 'node_modules/@types/node');
  });

  test('as an ES module', async () => {
    const at = createProject(world, 'esm', { 'package.json': esm, 'program.js': await withoutTypes(program) });
    expect(await runNode(at, 'program.js')).toBe(done);
  });

  test('as CommonJS', async () => {
    const at = createProject(world, 'cjs', {
      'package.json': commonJs,
      'program.js': withRequire(await withoutTypes(program)),
    });
    expect(await runNode(at, 'program.js')).toBe(done);
  });

  test.each([
    ['ESM', esm],
    ['CommonJS', commonJs],
  ])('as TypeScript (NodeNext), checked with all declarations and compiled to %s', async (format, manifest) => {
    const at = createProject(world, `nodenext-${format}`, {
      'package.json': manifest,
      'tsconfig.json': tsconfig({ module: 'nodenext', outDir: 'out' }),
      'program.ts': program,
    });
    await runWorkspaceTool('tsc', [], at);
    expect(await runNode(at, join('out', 'program.js'))).toBe(done);
  });

  test('as TypeScript (Bundler), checked with all declarations and bundled', async () => {
    const at = createProject(world, 'bundler', {
      'package.json': esm,
      'tsconfig.json': tsconfig({ module: 'preserve', moduleResolution: 'bundler', noEmit: true }),
      'program.ts': program,
    });
    await runWorkspaceTool('tsc', [], at);
    await build({
      configFile: false,
      logLevel: 'error',
      root: at,
      ssr: { noExternal: [/^@onceguard\//] },
      build: { ssr: 'program.ts', outDir: 'out' },
    });
    expect(await runNode(at, join('out', 'program.js'))).toBe(done);
  });

  test('with copies of ESM, CommonJS and an older version in one process: errors and stores are known across them', async () => {
    const at = createProject(world, 'both', {
      'program.mjs': fixture('both-copies.mjs'),
      'errors-0.1.0.mjs': fixture('errors-0.1.0.mjs'),
    });
    await runNode(at, 'program.mjs');
  });
});

describe('A program with the adapters for Fastify, Hono, h3, handlers of a Request, and Lambda runs', () => {
  const world = join(folder, 'frameworks');

  beforeAll(() => {
    installPackages(world, packed, frameworks);
    linkModule(join(world, 'node_modules'), '@types/node', 'node_modules/@types/node');
  });

  test('as an ES module', async () => {
    const text = await withoutTypes(frameworksProgram);
    const at = createProject(world, 'esm', { 'package.json': esm, 'program.js': text });
    expect(await runNode(at, 'program.js')).toBe(done);
  });

  test('as CommonJS', async () => {
    const text = withRequire(await withoutTypes(frameworksProgram));
    const at = createProject(world, 'cjs', { 'package.json': commonJs, 'program.js': text });
    expect(await runNode(at, 'program.js')).toContain(done);
  });

  test.each([
    ['NodeNext', { module: 'nodenext' }],
    ['Bundler', { module: 'preserve', moduleResolution: 'bundler' }],
  ])('as TypeScript (%s), checked and compiled', async (name, modules) => {
    const at = createProject(world, name, {
      'package.json': esm,
      // The declarations of the frameworks need more than Node's; those of the packages are checked in the tests above.
      'tsconfig.json': tsconfig({ ...modules, skipLibCheck: true, outDir: 'out' }),
      'program.ts': frameworksProgram,
    });
    await runWorkspaceTool('tsc', [], at);
    expect(await runNode(at, join('out', 'program.js'))).toBe(done);
  });
});

test('Core alone runs without ioredis, and says what to install when it is asked to connect', async () => {
  const world = join(folder, 'alone');
  installPackages(
    world,
    packed.filter(({ name }) => name === 'core'),
    {},
  );
  const at = createProject(world, 'alone', { 'program.mjs': fixture('without-ioredis.mjs') });
  await runNode(at, 'program.mjs');
});

test('A type error in the use of a package is found: the declarations say something', async () => {
  const world = join(folder, 'newest');
  const at = createProject(world, 'mistaken', {
    'package.json': esm,
    'tsconfig.json': tsconfig({ module: 'nodenext', noEmit: true }),
    'program.ts': program.replace("scope: 'orders'", 'scope: 7').replace('req.params.id', 'req.params.nothing.of.it'),
  });
  const mistakes = await runWorkspaceTool('tsc', ['--pretty', 'false'], at).catch((error: Error) => error.message);
  expect(mistakes.match(/^.*: error TS\d+/gm)).toHaveLength(2);
});

function fixture(file: string): string {
  return readRepositoryFile(`test/packages/projects/${file}`);
}

/** Nothing is skipped: a user with `skipLibCheck: false` must be able to compile. */
function tsconfig(own: object, files: readonly string[] = ['program.ts']): string {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    ...own,
  };
  return JSON.stringify({ compilerOptions, files });
}

async function withoutTypes(source: string): Promise<string> {
  return (await transformWithOxc(source, 'program.ts', { sourcemap: false, tsconfig: false })).code;
}

function withRequire(source: string): string {
  return source.replace(/^import (.+) from ["'](.+)["'];$/gm, (_line, names: string, module: string) => {
    return `const ${names.replaceAll(' as ', ': ')} = require('${module}');`;
  });
}
