// Compiles the programs that tests start as processes: to load them by tsx, or module by module, takes longer than most of them live.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type OutputFile, type Plugin } from 'esbuild';

const folder = fileURLToPath(new URL('../node_modules/.onceguard/programs/', import.meta.url));

const compiling = new Map<string, Promise<string>>();

/**
 * Compiles a program, what it imports by path, and the packages of this repository into one file, and resolves with its path. Other packages
 * stay outside.
 */
export async function compiledProgram(file: URL): Promise<string> {
  const source = fileURLToPath(file);
  const known = compiling.get(source) ?? compile(source);
  compiling.set(source, known);
  return await known;
}

/** Runs a program to its end, and resolves with what it printed. Rejects if it failed. */
export async function runProgram(file: URL, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [await compiledProgram(file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => {
    output += text;
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`${file} ended with ${status}:\n${output}`);
  return output;
}

async function compile(source: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: { program: source },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported on demand is loaded on demand.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // As Node has it: bundlers read more.
    conditions: [],
    plugins: [packagesStay, urlsOfSources],
    write: false,
  });
  const text = outputFiles.map((output) => `${output.path}\n${output.text}`).join('\n');
  const name = `${basename(source, extname(source))}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  save(outputFiles, join(folder, name));
  return join(folder, name, 'program.mjs');
}

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const ownPackages = fileURLToPath(new URL('../../packages/', import.meta.url));
/** Of these, each start would load a hundred modules. */
const libraries = /^(zod|uuid)$/;
const isInlined = (name: string, path: string) => path.startsWith(ownPackages) || libraries.test(name);

/** Packages are loaded from where the source would find them. */
const packagesStay: Plugin = {
  name: 'packages stay',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind === 'entry-point' || pluginData === packagesStay) return undefined;
      if (isBuiltin(path)) return { path, external: true };
      const found = await esbuild.resolve(path, { kind, resolveDir, pluginData: packagesStay });
      if (isInlined(path, found.path)) return found;
      return { errors: found.errors, path: pathToFileURL(found.path).href, external: true };
    });
  },
};

/** `import.meta.url` stays that of the source: programs find files by it. A program that an example starts is compiled too. */
const urlsOfSources: Plugin = {
  name: 'urls of sources',
  setup(esbuild) {
    esbuild.onLoad({ filter: /\.m?[jt]s$/ }, async ({ path }) => {
      const url = pathToFileURL(path);
      let contents = readFileSync(path, 'utf8');
      const [text, name = ''] =
        (path.startsWith(examples) && /new URL\('(\w+\.ts)', import\.meta\.url\)/.exec(contents)) || [];
      if (text !== undefined) {
        const program = pathToFileURL(await compiledProgram(new URL(name, url)));
        contents = contents.replace(text, `new URL(${JSON.stringify(program)})`);
      }
      contents = contents.replaceAll('import.meta.url', JSON.stringify(url));
      return { contents, loader: path.endsWith('.ts') ? 'ts' : 'js' };
    });
  },
};

/** Other processes may save the same at the same time, or run it already. */
function save(files: readonly OutputFile[], target: string): void {
  const own = `${target}.${process.pid}`;
  mkdirSync(own, { recursive: true });
  for (const file of files) {
    mkdirSync(dirname(join(own, file.path.slice(folder.length))), { recursive: true });
    writeFileSync(join(own, file.path.slice(folder.length)), file.contents);
  }
  try {
    renameSync(own, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    rmSync(own, { recursive: true });
  }
}
