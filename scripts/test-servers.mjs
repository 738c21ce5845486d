// npm run test:servers [-- vitest arguments]: the tests of the store on several versions of Redis and Valkey, one after the other.
// npm run test:services runs a part of them.

import { delimiter } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { bin, run } from './processes.mjs';
import { redisServers } from './redis-servers.mjs';
import { prepare } from './workspace.mjs';

/**
 * Answers the exit status: 0 where all tests passed on all servers. `isNeeded` picks servers by their version. `isShort` leaves out the
 * tests that take longer.
 */
export function testServers(args, { isNeeded = () => true, isShort = false } = {}) {
  const servers = redisServers().filter(({ version }) => isNeeded(version));
  const failed = servers.filter(({ what, path }) => {
    console.log(`\nOn ${what}:`);
    const { REDIS_URL: _, ...env } = process.env;
    env.PATH = `${path}${delimiter}${env.PATH}`;
    if (isShort) env.ONCEGUARD_SHORT = '1';
    return run(bin('vitest'), ['run', '--config', 'test/services/servers.config.ts', ...args], { env }) !== 0;
  });
  for (const { what } of failed) console.error(`Tests failed on ${what}.`);
  return failed.length === 0 ? 0 : 1;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await prepare();
  process.exitCode = testServers(argv.slice(2));
}
