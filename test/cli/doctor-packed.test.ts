// The command as it is published: in the tarball, started by itself and by npx, with nothing beside it.
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPackages, packedPackages } from '../packages/packed-packages.js';
import { redisUrl } from '../support/redis.js';
import { runToEnd } from './run-command.js';

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-cli-'));
/** The command, and what it stands on. Nothing else is installed. */
const worldPackages = ['core', 'web', 'inspector', 'postgres', 'sqlite', 'cli'];
const program = join(folder, 'node_modules/.bin/onceguard');

beforeAll(async () => {
  const packed = await packedPackages();
  installPackages(
    folder,
    packed.filter(({ name }) => worldPackages.includes(name)),
    {},
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }), 180_000);

test('It is executable, and brings the client of Redis with it', async () => {
  expect(statSync(program).mode & 0o111).toBe(0o111);
  const { status, stdout, stderr } = await runToEnd(program, ['doctor', redisUrl()]);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/redis_not_persistent/);
});

test('npx finds it where the package is installed', async () => {
  const args = ['--no', 'onceguard', '--', 'doctor', redisUrl()];
  const { status, stdout } = await runToEnd('npx', args, folder);
  expect(status).toBe(0);
  expect(stdout).toMatch(/redis_not_persistent/);
});

test('The demo runs from the published packages alone', async () => {
  const { status, stdout } = await runToEnd(program, ['demo']);
  expect([status, stdout]).toEqual([0, expect.stringContaining('Every payment was charged once.')]);
});
