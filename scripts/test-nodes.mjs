// npm run test:nodes [-- --short] [vitest arguments]: the contract tests on each version of Node, one after the other.
import { environmentOn, majorOfTests, nodeOf, ownMajor, testedMajors, versionOf } from './nodes.mjs';
import { timeSince } from './processes.mjs';
import { runVitest } from './vitest.mjs';
import { prepare } from './workspace.mjs';

/**
 * What differs between versions of Node: servers and streams, timers, asynchronous contexts, errors, garbage, SQLite, how modules load. The rest of the
 * code is the language alone.
 */
const shortList = [
  'test/node/',
  'test/http/',
  ...engineTests(
    'coalesced-waiting',
    'context',
    'errors',
    'events',
    'final-errors',
    'hidden-property',
    'lease',
    'payloads',
  ),
  ...engineTests('process-lifetime', 'results', 'retry-queue', 'steps.test', 'tracer-contexts', 'tracing', 'waiting'),
  'test/adapters/02-replay-express',
  'test/adapters/suite/express-5.test.ts',
  'test/packages/entry-points',
  ...['check', 'files', 'locks', 'store-contract', 'transactions'].map((name) => `test/sqlite/${name}`),
];

function engineTests(...names) {
  return names.map((name) => `test/engine/${name}`);
}

const args = process.argv.slice(2);
const isShort = args.includes('--short');
const rest = args.filter((arg) => arg !== '--short');

await prepare();
const startedAt = performance.now();
// The short tests are an addition to npm test.
const leftOut = isShort ? await majorOfTests() : null;
const majors = [...new Set([ownMajor, ...testedMajors])].filter((major) => major !== leftOut);
const results = [];
for (const major of majors) results.push(`Node ${major}: ${await testOn(major)}`);
console.log(`\n${results.join('\n')}\nThe tests on ${majors.length} versions took ${timeSince(startedAt)}.`);

/** Runs the tests; answers what became of them, and makes the process fail where they do. */
async function testOn(major) {
  const node = await nodeOf(major);
  if (node === null) return `not tested, as there is no package of it for ${process.platform} on ${process.arch}`;
  const version = versionOf(node);
  console.log(`\nOn Node ${version}:`);
  const files = isShort && rest.length === 0 ? shortList : rest;
  const projects = ['--project', 'contract*'];
  const { status, failed } = await runVitest([...projects, ...files], { node, env: environmentOn(node) });
  return status === 0 ? `${version} passed` : `${version} failed\n${failed}`;
}
