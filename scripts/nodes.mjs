// The versions of Node that tests and benchmarks run on: ordinary packages of the registry, fetched when they are needed.
//
// They are apart from the workspace, as 400 MB that few need. Nor may they lie in its node_modules: the programs there run on a
// `node` that stands beside them.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { pnpmInstall } from './pnpm-install.mjs';
import { root, runQuietly } from './processes.mjs';

/** The major that is measured and tuned. */
export const measuredMajor = 24;

/** The majors that are fetched. The contract tests run on them, and on the machine's own. */
export const testedMajors = [22, measuredMajor, 26];

export const ownMajor = Number.parseInt(process.versions.node, 10);

const home = join(root, 'scripts', 'nodes');

/** The path of a Node of this major: the one that runs, else a fetched one; null where there is no package for this machine. */
export async function nodeOf(major) {
  if (major === ownMajor) return process.execPath;
  await fetchNodes();
  const path = join(home, 'node_modules', `node${major}-${process.platform}-${process.arch}`, 'bin', 'node');
  return existsSync(path) ? path : null;
}

/**
 * The major that `npm test` runs on: the measured one where the machine's own is older than all that are fetched, as the tests take less time on it. Elsewhere,
 * and where there is no package of it for this machine, its own.
 */
export async function majorOfTests() {
  const isOld = testedMajors.every((major) => ownMajor < major);
  return isOld && (await nodeOf(measuredMajor)) !== null ? measuredMajor : ownMajor;
}

/** The environment of tests that run on a Node. The tools that they start run on the first one of the PATH. */
export function environmentOn(node) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
}

/** The version of a Node, such as `v24.22.3`. Throws where it does not start. */
export function versionOf(node) {
  const { status, output } = runQuietly(node, ['--version']);
  if (status !== 0) throw new Error(`${node} does not start: ${output}`);
  return output.trim();
}

/** Installs what the lockfile of the versions names, unless exactly that is installed already. Ends the process where it cannot. */
async function fetchNodes() {
  const stamp = join(home, 'node_modules', '.onceguard-installed');
  const wanted = createHash('sha256')
    .update(readFileSync(join(home, 'pnpm-lock.yaml')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const status = await pnpmInstall(`Node ${testedMajors.join(', ')}`, ['--ignore-workspace', '--dir', home]);
  if (status !== 0) process.exit(status);
  writeFileSync(stamp, wanted);
}
