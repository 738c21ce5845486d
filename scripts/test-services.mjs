// npm run test:services [-- vitest arguments]: the tests that need servers besides Redis, each found or installed by the run, and
// the short ones of those that are run on several versions of Redis, but for the version that npm test runs on. With arguments the
// first alone.

import { versionOnPath } from './redis-servers.mjs';
import { testServers } from './test-servers.mjs';
import { runVitest } from './vitest.mjs';
import { prepare } from './workspace.mjs';

await prepare();
const args = process.argv.slice(2);
const { status, failed } = await runVitest(['--config', 'test/services/vitest.config.ts', ...args]);
const isNeeded = (version) => version !== versionOnPath();
const failures = args.length > 0 ? [] : await testServers([], { isNeeded, isShort: true });
if (status !== 0) failures.unshift(`Tests of the services failed.\n${failed}`);
for (const failure of failures) console.log(`\n${failure}`);
