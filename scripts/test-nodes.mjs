// npm run test:nodes [-- --short] [vitest arguments]: the contract tests on each version of Node, one after the other.
import { delimiter, dirname, join } from 'node:path';
import { nodeOf, ownMajor, testedMajors, versionOf } from './nodes.mjs';
import { root, run, timeSince } from './processes.mjs';
import { prepare } from './workspace.mjs';

/** What differs between versions of Node: servers and streams, timers, how modules load. And a part of the protocol. */
const shortList = [
  'test/protocol/acquire',
  'test/http/',
  'test/node/',
  'test/engine/',
  'test/adapters/02-replay-express',
  'test/adapters/08-client-disconnects',
  'test/packages/tarball-contents',
];

const args = process.argv.slice(2);
const isShort = args.includes('--short');
const rest = args.filter((arg) => arg !== '--short');

await prepare();
const startedAt = performance.now();
// The short tests are an addition to npm test, which runs on the Node that is there.
const majors = testedMajors.filter((major) => !(isShort && major === ownMajor));
const results = [];
for (const major of majors) results.push(`Node ${major}: ${await testOn(major)}`);
console.log(`\n${results.join('\n')}\nThe tests on ${majors.length} versions took ${timeSince(startedAt)}.`);

/** Runs the tests; answers what became of them, and makes the process fail where they do. */
async function testOn(major) {
  const node = await nodeOf(major);
  if (node === null) return `not tested, as there is no package of it for ${process.platform} on ${process.arch}`;
  const version = versionOf(node);
  console.log(`\nOn Node ${version}:`);
  // The tools that tests start run on the first Node of the PATH.
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const files = isShort && rest.length === 0 ? shortList : rest;
  if (run(node, [vitest, 'run', '--project', 'contract', ...files], { env }) === 0) return `${version} passed`;
  process.exitCode = 1;
  return `${version} failed`;
}
