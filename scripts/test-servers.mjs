// npm run test:servers [-- vitest arguments]: the tests of the store on several versions of Redis and Valkey, one after the other.
// npm run test:services runs a part of them.

import { delimiter } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { redisServers } from './redis-servers.mjs';
import { runVitest } from './vitest.mjs';
import { prepare } from './workspace.mjs';

/**
 * Answers what failed, a text for each server on which something did. `isNeeded` picks servers by their version. `isShort` leaves out the
 * tests that take longer.
 */
export async function testServers(args, { isNeeded = () => true, isShort = false } = {}) {
  const failures = [];
  for (const { what, path } of redisServers().filter(({ version }) => isNeeded(version))) {
    console.log(`\nOn ${what}:`);
    const { REDIS_URL: _, ...env } = process.env;
    env.PATH = `${path}${delimiter}${env.PATH}`;
    if (isShort) env.ONCEGUARD_SHORT = '1';
    const { status, failed } = await runVitest(['--config', 'test/services/servers.config.ts', ...args], { env });
    if (status !== 0) failures.push(`Tests failed on ${what}.\n${failed}`);
  }
  return failures;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await prepare();
  for (const failure of await testServers(argv.slice(2))) console.log(`\n${failure}`);
}
