// npm test [-- vitest arguments]: installs and builds what is missing, then runs the tests on a real Redis.
import { become, bin, timeSince } from './processes.mjs';
import { prepare } from './workspace.mjs';

await prepare();
const args = process.argv.slice(2);
const isWhole = args.length === 0;
if (isWhole) console.log('\nAll tests run now: about 10 minutes on two cores. A part of them: npm test -- test/http');
const startedAt = performance.now();
const status = await become(bin('vitest'), ['run', ...args]);
if (isWhole) console.log(`${status === 0 ? 'All tests passed' : 'Tests failed'}. They took ${timeSince(startedAt)}.`);
