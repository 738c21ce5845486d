// What every script needs: a workspace that is installed and built. Runs on plain Node, before anything is installed.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fingerprint } from './fingerprint.mjs';
import { bundleInspectorPage } from './inspector-page.mjs';
import { bundlePackage } from './package-bundles.mjs';
import { manifest, pnpmInstall } from './pnpm-install.mjs';
import { become, bin, root, run, timeSince } from './processes.mjs';

/** The folders of the publishable packages, relative to the root. */
export const packageFolders = readdirSync(join(root, 'packages')).map((name) => join('packages', name));

/** The folders of packages within `test` and `examples`: one for each major of Nest, and one for Next. Relative to the root. */
const stackFolders = [
  join('test', 'stacks', 'nest-11'),
  join('test', 'stacks', 'nest-12'),
  join('examples', 'next-payments'),
  join('examples', 'prisma-ledger'),
];

/** Installs and compiles what is missing. Every script begins with it. */
export async function prepare() {
  requireNode();
  await install();
  await bundleInspectorPage();
  await build();
}

/**
 * Becomes a program of one of the folders that are not published, such as `bench` and `main.ts`, with the arguments of this
 * script. `node` is the Node that runs it, `flags` are for that Node.
 */
export async function becomeProgram(
  folder,
  program,
  { node = process.execPath, flags = [], args = process.argv.slice(2) } = {},
) {
  const tsx = createRequire(join(root, folder, 'package.json')).resolve('tsx');
  return await become(node, [...flags, '--import', pathToFileURL(tsx).href, join(folder, program), ...args]);
}

/** Installs what the lockfile names, unless exactly that is installed already. */
async function install() {
  const stamp = join(root, 'node_modules', '.onceguard-installed');
  const folders = ['.', ...packageFolders, 'bench', 'examples', 'test', ...stackFolders];
  const wanted = fingerprint([
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    ...folders.map((at) => join(at, 'package.json')),
  ]);
  const complete = folders.filter(hasDependencies).every((at) => existsSync(join(root, at, 'node_modules')));
  if (complete && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  orExit(await pnpmInstall('the dependencies'));
  writeFileSync(stamp, wanted);
}

/** Whether pnpm makes a `node_modules` in this folder: it makes none where there is nothing to link. */
function hasDependencies(folder) {
  const its = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  return ['dependencies', 'devDependencies', 'peerDependencies'].some((kind) => its[kind] !== undefined);
}

/** Compiles what changed since the last build: the declarations, core before what depends on it, and the JavaScript. */
async function build() {
  const startedAt = performance.now();
  const isFirst = packageFolders.some((folder) => !existsSync(join(root, folder, 'dist')));
  if (isFirst) console.log('Building the packages …');
  for (const folder of packageFolders) removeOrphans(join(root, folder, 'dist'), join(root, folder, 'src'));
  orExit(run(bin('tsc'), ['-b']));
  for (const folder of packageFolders) await bundlePackage(folder);
  if (isFirst) console.log(`Built in ${timeSince(startedAt)}.`);
}

function orExit(status) {
  if (status !== 0) process.exit(status);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Node ${manifest.engines.node} is needed; this is ${process.versions.node}.`);
  process.exit(1);
}

/** Removes declarations whose source is gone; the compiler leaves them, and they would be published. */
function removeOrphans(out, sources) {
  for (const format of ['esm', 'cjs']) {
    const from = join(out, format);
    const files = existsSync(from) ? readdirSync(from, { recursive: true }).map(String) : [];
    for (const file of files) {
      const match = /^(.*)\.d\.ts(\.map)?$/.exec(file);
      const source = match && join(sources, `${match[1]}.ts`);
      if (source && !existsSync(source) && statSync(join(from, file)).isFile()) rmSync(join(from, file));
    }
  }
}
