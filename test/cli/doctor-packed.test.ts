// The command as it is published: in the tarball, started by itself and by npx, with ioredis beside it and without.
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPackages, type PackedPackage, packAll } from '../packages/packed-packages.js';
import { redisUrl } from '../support/redis.js';
import { runToEnd } from './run-command.js';

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-cli-'));
let packed: PackedPackage[];

beforeAll(async () => {
  packed = (await packAll(join(folder, 'packed'))).filter(({ name }) => name === 'core');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The command of a world in which core was installed with these peers. */
function installed(name: string, peers: Parameters<typeof installPackages>[2]): string {
  const world = join(folder, name);
  installPackages(world, packed, peers);
  return join(world, 'node_modules/.bin/onceguard');
}

test.each(['ioredis', 'ioredis5'])('It is executable, and works with %s', async (ioredis) => {
  const program = installed(ioredis, { ioredis });
  expect(statSync(program).mode & 0o111).toBe(0o111);
  const { status, stdout, stderr } = await runToEnd(program, ['doctor', redisUrl()]);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/redis_not_persistent/);
});

test('npx finds it where the package is installed', async () => {
  installed('npx', { ioredis: 'ioredis' });
  const args = ['--no', 'onceguard', '--', 'doctor', redisUrl()];
  const { status, stdout } = await runToEnd('npx', args, join(folder, 'npx'));
  expect(status).toBe(0);
  expect(stdout).toMatch(/redis_not_persistent/);
});

test('Without ioredis it says how to run it', async () => {
  const program = installed('alone', {});
  const { status, stderr } = await runToEnd(program, ['doctor', redisUrl()]);
  expect(status).toBe(2);
  expect(stderr).toContain('npx -p ioredis -p @onceguard/core onceguard doctor redis://…');
});
