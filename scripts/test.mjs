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
 * Three runs beside each other. The tests of faults wait for leases most of the time. All others have a lower priority: they take little of
 * the time that the faults measure, and never stand still for long themselves. The stacks are a run of their own, so that no run waits with
 * one core for the longest file of another.
 */
async function runAll() {
  console.log(
    `\nAll tests run now, on Node ${versionOf(node)}: about 16 minutes on two cores. A part of them: npm test -- test/http`,
  );
  const startedAt = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-test-'));
  const start = (name, project) => {
    const output = join(folder, `${name}.log`);
    return { name, output, run: runVitest([`--project=${project}`], { node, env, output }) };
  };
  const faults = start('faults', 'faults');
  // For the processes that start from now on.
  setPriority(othersNiceness);
  const stacks = start('stacks', 'stacks*');
  const others = await runVitest(['--project=contract*'], { node, env });
  const results = [others];
  for (const { name, output, run } of [stacks, faults]) {
    results.push(await run);
    console.log(`\nThe tests of ${name}:\n${readFileSync(output, 'utf8')}`);
  }
  rmSync(folder, { recursive: true });
  const passed = results.every(({ status }) => status === 0);
  console.log(`${passed ? 'All tests passed' : 'Tests failed'}. They took ${timeSince(startedAt)}.`);
  for (const { failed } of results) if (failed !== '') console.log(`\n${failed}`);
}
