// The tests that run on every version of Redis and Valkey: npm run test:servers, and a part of npm run test:services.
// The server under test is the first `redis-server` on the PATH.
import { execFileSync } from 'node:child_process';
import { configDefaults, defineConfig } from 'vitest/config';

const version = execFileSync('redis-server', ['--version'], { encoding: 'utf8' });
const major = Number(/v=(\d+)/.exec(version)?.[1]);

/** What a store promises. */
const store = [
  'test/store/redis.test.ts',
  'test/store/redis-{bad-input,connect,health,batching,refusals,tracing,unreadable-keys}.test.ts',
  'test/model/redis-protocol.test.ts',
  'test/cli/doctor.test.ts',
];

/** These take longer, and their tools need commands and rights of Redis 7. Not part of npm run test:services. */
const further = [
  'test/store/redis-*.test.ts',
  'test/cli/doctor-groups.test.ts',
  'test/testing/{cluster,replica-pair,sentinel-set}.test.ts',
  'test/faults/{changed-roles,cluster-failover,cluster-slots,data-loss,refused-writes,replication,sentinel,tls-cluster}.test.ts',
];

export default defineConfig({
  test: {
    name: `servers ${/v=\S+/.exec(version)?.[0] ?? ''}`,
    include: major < 7 || process.env.ONCEGUARD_SHORT !== undefined ? store : [...store, ...further],
    exclude: configDefaults.exclude,
    globalSetup: ['test/support/global-setup.ts'],
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    // They start servers, and wait for them.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
