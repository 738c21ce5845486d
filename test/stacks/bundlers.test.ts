// The packed packages in a program that is bundled and minified in the usual ways.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { type Plugin, rollup } from 'rollup';
import { minify } from 'terser';
import TerserPlugin from 'terser-webpack-plugin';
import { transformWithOxc } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import webpack from 'webpack';
import { createProject, installPackages, packedPackages, runNode, runTestTool } from '../packages/packed-packages.js';
import { readRepositoryFile } from '../packages/source-trees.js';

const require = createRequire(import.meta.url);
// Their declarations describe the CommonJS build.
const commonjs: () => Plugin = require('@rollup/plugin-commonjs');
const json: () => Plugin = require('@rollup/plugin-json');

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-bundled-'));
const recorded = `bundled-${randomUUID()}:`;
let at = '';

beforeAll(async () => {
  installPackages(folder, await packedPackages(), { express: 'express', ioredis: 'ioredis' });
  const { code } = await transformWithOxc(readRepositoryFile('test/stacks/projects/payments.ts'), 'payments.ts', {
    tsconfig: false,
  });
  at = createProject(folder, 'project', { 'package.json': '{ "type": "module" }', 'payments.js': code });
  expect(await runNode(at, 'payments.js', [recorded])).toContain('recorded by this build: 1');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }), 180_000);

/** Each bundles `payments.js` and resolves with the path of the bundle. */
const bundlers: readonly (readonly [name: string, bundle: () => Promise<string>])[] = [
  ['webpack, mode production', withWebpack],
  ['esbuild --minify', () => withEsbuild({ minify: true })],
  ['esbuild, then terser --toplevel', () => withEsbuild({}).then(toplevel)],
  ['rollup', rolledUp],
  ['rollup, then terser --toplevel', () => rolledUp().then(toplevel)],
  ['ncc build --minify', withNcc],
];

describe.each(bundlers)('Bundled by %s', (_name, bundle) => {
  test('payments, final errors, rejections and store errors behave as without a bundler', async () => {
    const output = await runNode(at, await bundle(), [recorded]);
    expect(output, 'the final error was recorded by the program as it is').toContain('recorded by this build: 0');
  }, 300_000);
});

async function withWebpack(): Promise<string> {
  const compiler = webpack({
    mode: 'production',
    target: 'node',
    context: at,
    entry: './payments.js',
    output: { path: join(at, 'webpack'), filename: 'bundle.cjs' },
    optimization: { minimizer: [new TerserPlugin({ extractComments: false })] },
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  expect(stats?.toJson({ errors: true }).errors).toEqual([]);
  return join('webpack', 'bundle.cjs');
}

async function withEsbuild(options: esbuild.BuildOptions): Promise<string> {
  const outfile = join('esbuild', `${randomUUID()}.cjs`);
  await esbuild.build({
    absWorkingDir: at,
    entryPoints: ['payments.js'],
    bundle: true,
    platform: 'node',
    outfile,
    logLevel: 'error',
    ...options,
  });
  return outfile;
}

let rollupBundle: Promise<string> | undefined;

/** Both tests of rollup have the same bundle. */
function rolledUp(): Promise<string> {
  rollupBundle ??= withRollup();
  return rollupBundle;
}

async function withRollup(): Promise<string> {
  const bundle = await rollup({
    input: join(at, 'payments.js'),
    plugins: [nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }), commonjs(), json()],
    onwarn: () => undefined,
  });
  const file = join('rollup', 'bundle.mjs');
  await bundle.write({ file: join(at, file), format: 'esm', inlineDynamicImports: true });
  return file;
}

async function toplevel(file: string): Promise<string> {
  const { code = '' } = await minify(readFileSync(join(at, file), 'utf8'), {
    // Only the mangled names matter here, and compressing takes most of the time.
    compress: false,
    toplevel: true,
    module: file.endsWith('.mjs'),
  });
  writeFileSync(join(at, file), code);
  return file;
}

async function withNcc(): Promise<string> {
  await runTestTool('@vercel/ncc/dist/ncc/cli.js', ['build', 'payments.js', '--out', 'ncc', '--minify'], at);
  return join('ncc', 'index.js');
}
