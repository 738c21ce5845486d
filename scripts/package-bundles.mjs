// Bundles the JavaScript of a package: a file for each entry point, and chunks for what several of them share. A process that loads them starts in
// half the time that a file for each module takes. The compiler writes the declarations, a file for each module, and has checked the types before.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from './fingerprint.mjs';
import { root } from './processes.mjs';

/** Bundles a package to ESM and to CommonJS, unless the last time was from the same files. `folder` is relative to the root. */
export async function bundlePackage(folder) {
  const dist = join(root, folder, 'dist');
  // Named as the notes of the compiler are, which are not published.
  const stamp = join(dist, 'bundles.tsbuildinfo');
  const wanted = fingerprint([
    'scripts/package-bundles.mjs',
    'pnpm-lock.yaml',
    'tsconfig.base.json',
    `${folder}/tsconfig.json`,
    `${folder}/package.json`,
    ...sourcesOf(folder),
  ]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(stamp, { force: true });
  const { exports } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  await bundle(folder, 'esm', entriesOf(exports, 'import'));
  await bundle(folder, 'cjs', entriesOf(exports, 'require'));
  // The package says "type": "module"; without this file Node would take the CommonJS output for ESM.
  writeFileSync(join(dist, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
  writeFileSync(stamp, wanted);
}

function sourcesOf(folder) {
  const names = readdirSync(join(root, folder, 'src'), { recursive: true }).map(String);
  return names
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => join(folder, 'src', name));
}

/** The entry points for a condition, by the paths of their files below `dist/esm` or `dist/cjs`, without the ending. */
function entriesOf(exports, condition) {
  const targets = Object.values(exports).map((conditions) => conditions[condition]?.default);
  return targets.filter((target) => target !== undefined).map((target) => /^\.\/dist\/\w+\/(.+)\.js$/.exec(target)[1]);
}

async function bundle(folder, format, entries) {
  // Not at the top: it may not be installed yet.
  const { rolldown } = await import('rolldown');
  const dir = join(root, folder, 'dist', format);
  const bundles = await rolldown({
    cwd: join(root, folder),
    input: Object.fromEntries(entries.map((entry) => [entry, `./src/${entry}.ts`])),
    // Neither Node's modules nor dependencies are bundled: a user's project has one copy of each. The compiler's helpers are.
    external: /^(?!@oxc-project\/)[@\w]/,
    platform: 'neutral',
    transform: { target: 'es2022' },
    tsconfig: 'tsconfig.json',
  });
  const { output } = await bundles.write({
    dir,
    format,
    sourcemap: true,
    // As the compiler does: Jest has no import() in a CommonJS module, who requires an ES module has to see that it is one, and its code is strict.
    dynamicImportInCjs: false,
    esModule: true,
    strict: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
  });
  await bundles.close();
  removeOthers(dir, output);
}

/** Removes what an earlier bundle had and this one has not: it would be published. */
function removeOthers(dir, output) {
  const kept = new Set(output.map(({ fileName }) => join(fileName)));
  const files = readdirSync(dir, { recursive: true }).map(String);
  for (const file of files.filter((name) => /\.js(\.map)?$/.test(name) && !kept.has(name))) rmSync(join(dir, file));
}
