// What the package is made of, and that it runs where Node is not: its size, its imports, a bare worker, Deno, Bun.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importsOf, root, sourcesOf } from '../packages/source-trees.js';
import { openPayments, type PaymentsServer } from './payments-server.js';
import { startScriptedProxy } from './scripted-proxy.js';

const exec = promisify(execFile);
const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'onceguard-platforms-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bundle(contents: string, format: esbuild.Format = 'esm', outfile?: string): Promise<Uint8Array> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents, resolveDir: join(root, 'test') },
    bundle: true,
    minify: true,
    format,
    target: 'es2022',
    platform: 'browser',
    write: outfile !== undefined,
    ...(outfile === undefined ? {} : { outfile }),
  });
  return outputFiles?.[0]?.contents ?? readFileSync(outfile ?? '');
}

const gzipped = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length;

describe('The package', () => {
  test('has a core of at most 3 kB, compressed', async () => {
    expect(gzipped(await bundle("export { idempotentFetch } from '@onceguard/client'"))).toBeLessThanOrEqual(3_000);
  });

  test('has at most 5 kB, compressed, with every key store of the browser', async () => {
    expect(gzipped(await bundle("export * from '@onceguard/client'"))).toBeLessThanOrEqual(5_000);
  });

  test('can be shaken: one function brings nothing else with it', async () => {
    const bytes = await bundle("export { isReplayed } from '@onceguard/client'");
    expect(bytes.length).toBeLessThan(150);
  });

  test('imports nothing, and nothing of Node but for the files', () => {
    const imported = sourcesOf('client').map((source) => [
      source.file.replace('packages/client/src/', ''),
      importsOf(source).filter((module) => !module.startsWith('./')),
    ]);
    const others = imported.filter(([, modules]) => modules?.length);
    expect(others).toEqual([['file.ts', ['node:crypto', 'node:fs/promises', 'node:path']]]);
  });

  test.each(['axios', 'ky', 'got', 'undici', 'tanstack-query'])('has a helper for %s of under 60 lines', (name) => {
    expect(readFileSync(join(root, `packages/client/src/${name}.ts`), 'utf8').split('\n').length).toBeLessThan(60);
  });
});

/** Pays through a network that loses the first answer; the result is what the server said and how often it was sent. */
const program = `
import { attemptsOf, idempotentFetch, keyStore } from '@onceguard/client';
const values = new Map();
const keys = keyStore({ get: (name) => values.get(name), set: (name, value) => values.set(name, value), delete: (name) => values.delete(name) });
export async function run(url) {
  const pay = idempotentFetch({ baseDelayMs: 5, keyStore: keys });
  const headers = { 'Content-Type': 'application/json' };
  const response = await pay(url, { method: 'POST', headers, body: '{"amount":20}', intent: 'order-1' });
  return response.status + ' ' + attemptsOf(response) + ' ' + (await response.json()).charge;
}
`;

describe('Through a network that loses an answer, a payment is made once', () => {
  let server: PaymentsServer;
  let url: string;

  beforeEach(async () => {
    server = await openPayments();
    const proxy = await startScriptedProxy(server.port, [{ kind: 'lose_answer' }]);
    url = `http://127.0.0.1:${proxy.port}/payments`;
    return async () => {
      await proxy.close();
      await server.close();
    };
  });

  afterEach(() => expect(server.charges).toHaveLength(1));

  test('in a global of the web alone: no process, no Buffer, no require, no localStorage', async () => {
    const code = new TextDecoder().decode(await bundle(`${program}; globalThis.run = run;`, 'iife'));
    const web = {
      ...{ AbortController, AbortSignal, Headers, Request, Response, FormData, Blob, URL, DOMException },
      ...{ fetch, crypto, performance, setTimeout, clearTimeout, TextEncoder, TextDecoder, console },
    };
    const context = createContext(web);
    runInContext(code, context);
    expect(runInContext('typeof process + typeof Buffer + typeof require', context)).toBe('undefined'.repeat(3));
    expect(await Reflect.get(context, 'run')(url)).toBe('201 2 1');
  });

  const runtimes: [name: string, file: string, args: readonly string[]][] = [
    ['deno', 'deno', ['run', '--no-config', '--no-lock', '--allow-net', '--quiet']],
    ['bun', join('bin', 'bun'), ['run']],
  ];

  test.each(runtimes)('in %s', async (name, file, args) => {
    const at = join(folder, `${name}.mjs`);
    await bundle(`${program}; console.log(await run(${JSON.stringify(url)}));`, 'esm', at);
    const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1', DENO_DIR: folder };
    const { stdout } = await exec(binaryOf(name, file), [...args, at], { env, cwd: folder });
    expect(stdout.trim()).toBe('201 2 1');
  });
});

/** The package of the registry has one optional dependency for each platform, with the program in it. */
function binaryOf(name: string, file: string): string {
  const manifestPath = require.resolve(`${name}/package.json`);
  const within = createRequire(manifestPath);
  for (const platform of Object.keys(within('./package.json').optionalDependencies)) {
    try {
      return join(dirname(within.resolve(`${platform}/package.json`)), file);
    } catch {
      // It is for another platform.
    }
  }
  throw new Error(`${name} has no program for this platform.`);
}
