// npm run test:services [-- vitest arguments]: the tests that need servers besides Redis, each found or installed by the run, and
// the short ones of those that are run on several versions of Redis, but for the version that npm test runs on. With arguments the
// first alone.

import { bin, run } from './processes.mjs';
import { versionOnPath } from './redis-servers.mjs';
import { testServers } from './test-servers.mjs';
import { prepare } from './workspace.mjs';

await prepare();
const args = process.argv.slice(2);
const status = run(bin('vitest'), ['run', '--config', 'test/services/vitest.config.ts', ...args]);
const isNeeded = (version) => version !== versionOnPath();
process.exitCode = args.length > 0 ? status : Math.max(status, testServers([], { isNeeded, isShort: true }));
