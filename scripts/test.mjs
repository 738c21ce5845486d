// npm test [-- vitest arguments]: installs and builds what is missing, then runs the tests on a real Redis.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOn, majorOfTests, nodeOf, versionOf } from './nodes.mjs';
import { root, timeSince } from './processes.mjs';
import { runVitest } from './vitest.mjs';
import { prepare } from './workspace.mjs';

/** Where both want a core, the tests of faults have three quarters of it. */
const othersNiceness = 5;

await prepare();
const node = await nodeOf(await majorOfTests());
// Hundreds of processes load the same modules: Node 22 and newer keep them compiled, in a folder.
const env = {
  NODE_COMPILE_CACHE: join(root, 'test', 'node_modules', '.onceguard', 'compiled'),
  ...environmentOn(node),
};
const args = process.argv.slice(2);
if (args.length > 0) {
  const { failed } = await runVitest(args, { node, env });
  if (failed !== '') console.log(`\n${failed}`);
} else {
  await runAll();
}

/**
 * The tests of faults wait for leases most of the time, so all others run beside them. These have a lower priority: they take little of the
 * time that the faults measure, and never stand still for long themselves.
 */
async function runAll() {
  console.log(
    `\nAll tests run now, on Node ${versionOf(node)}: about 25 minutes on two cores. A part of them: npm test -- test/http`,
  );
  const startedAt = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-test-'));
  const output = join(folder, 'faults.log');
  const faults = runVitest(['--project', 'faults'], { node, env, output });
  // For the processes that start from now on.
  setPriority(othersNiceness);
  const others = await runVitest(['--project', '!faults'], { node, env });
  const results = [await faults, others];
  console.log(`\nThe tests of faults:\n${readFileSync(output, 'utf8')}`);
  rmSync(folder, { recursive: true });
  const passed = results.every(({ status }) => status === 0);
  console.log(`${passed ? 'All tests passed' : 'Tests failed'}. They took ${timeSince(startedAt)}.`);
  for (const { failed } of results) if (failed !== '') console.log(`\n${failed}`);
}
