// What every script needs: a workspace that is installed and built. Runs on plain Node, before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The folders of the publishable packages, relative to the root. */
export const packageFolders = readdirSync(join(root, 'packages')).map((name) => join('packages', name));

/** The folders of the test packages that hold one major of a framework each, relative to the root. */
const stackFolders = ['nest-11', 'nest-12'].map((name) => join('test', 'stacks', name));

const onWindows = process.platform === 'win32';
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Installs what the lockfile names, unless exactly that is installed already. */
export function install() {
  requireNode();
  const stamp = join(root, 'node_modules', '.onceguard-installed');
  const folders = ['.', ...packageFolders, 'bench', 'examples', 'test', ...stackFolders];
  const wanted = fingerprint([
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    ...folders.map((at) => join(at, 'package.json')),
  ]);
  const complete = folders.every((at) => existsSync(join(root, at, 'node_modules')));
  if (complete && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;

  const pnpm = `pnpm@${manifest.devDependencies.pnpm}`;
  console.log(`Installing the dependencies with ${pnpm} …`);
  orExit(run('npx', ['-y', pnpm, 'install', '--frozen-lockfile']));
  writeFileSync(stamp, wanted);
}

/** Compiles what changed since the last build, to ESM and to CommonJS, core before what depends on it. */
export function build() {
  for (const folder of packageFolders) {
    const out = join(root, folder, 'dist');
    if (!existsSync(out)) console.log(`Building ${folder} …`);
    removeOrphans(out, join(root, folder, 'src'));
    // The package says "type": "module"; without this file Node would take the CommonJS output for ESM.
    mkdirSync(join(out, 'cjs'), { recursive: true });
    writeFileSync(join(out, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
  }
  orExit(run(bin('tsc'), ['-b']));
}

/** Runs a program to its end in the terminal of this one; answers its exit status, 1 if it had none. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: onWindows, ...options });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return result.status ?? 1;
}

/** Becomes another program, as far as Node can: passes on a request to end, and ends with its exit status. */
export function become(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', shell: onWindows });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  // The terminal sends Ctrl-C to both; this one waits for the other to finish in its own way.
  process.on('SIGINT', () => {});
  child.on('error', (error) => {
    console.error(`${command}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

/** The path of an installed development tool. */
export function bin(name) {
  return join(root, 'node_modules', '.bin', name);
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

function fingerprint(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** Removes compiled files whose source is gone; the compiler leaves them, and they would be published. */
function removeOrphans(out, sources) {
  for (const format of ['esm', 'cjs']) {
    const from = join(out, format);
    const files = existsSync(from) ? readdirSync(from, { recursive: true }).map(String) : [];
    for (const file of files) {
      const match = /^(.*?)(\.d\.ts|\.js)(\.map)?$/.exec(file);
      const source = match && join(sources, `${match[1]}.ts`);
      if (source && !existsSync(source) && statSync(join(from, file)).isFile()) rmSync(join(from, file));
    }
  }
}
