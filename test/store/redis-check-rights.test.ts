// check(): what the user may not do, and what a server that is well in itself does not answer.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { permissionsScript } from '../../packages/core/src/stores/redis/diagnostics/check/check-permissions.js';
import { safeRedisOptions } from '../../packages/core/src/stores/redis/index.js';
import { filesUnder, readRepositoryFile } from '../packages/source-trees.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { checkAt, checkWith, codesOf } from './run-check.js';

const document = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
const documented = /^ACL SETUSER onceguard on >secret (.*)$/m.exec(document)?.[1]?.split(' ') ?? [];
const ofRecords = ['time', 'get', 'set', 'del', 'hget', 'hgetall', 'hset', 'hdel', 'pexpireat', 'exists', 'append'];
const ofIndex = ['zadd', 'zrem', 'zrangebyscore', 'pttl', 'pexpire'];
const inScripts = [...ofRecords, ...ofIndex];

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
});

afterAll(() => server.stop());

/** What a user with these rights finds. */
async function foundWith(rights: readonly string[], options: Parameters<typeof checkAt>[1] = {}) {
  const user = randomUUID();
  await server.command('ACL', 'SETUSER', user, 'on', '>secret', ...rights);
  return await checkAt(`redis://${user}:secret@127.0.0.1:${server.port}`, options);
}

describe('A user with', () => {
  test('the rights that the documents name is told only what these do not let him see', async () => {
    expect(await foundWith(documented)).toMatchObject([
      {
        code: 'redis_settings_unknown',
        severity: 'info',
        message: expect.stringMatching(/^the user may not use CONFIG GET, so/),
      },
    ]);
  });

  test.each([...inScripts, 'evalsha', 'eval'])('all of them but %s is told that he needs it', async (command) => {
    const findings = await foundWith([...documented, `-${command}`]);
    expect(findings[0]).toMatchObject({
      code: 'redis_no_rights',
      severity: 'error',
      message: `the user may not use ${command.toUpperCase()}, which the store needs, or the server does not have it`,
      remedy: expect.stringContaining('docs/redis.md#rights'),
    });
    expect(codesOf(findings)).toEqual(['redis_no_rights', 'redis_settings_unknown']);
    expect(await server.command('KEYS', '*')).toEqual([]);
  });

  test('all of them and CONFIG has no findings', async () => {
    expect(await foundWith([...documented, '+config|get'])).toEqual([]);
  });

  test('other keys is told so', async () => {
    const [first] = await foundWith(documented, { prefix: 'shop:' });
    expect(first).toMatchObject({
      code: 'redis_no_rights',
      message: expect.stringMatching(/may not use keys under the prefix/),
    });
  });

  test('all but INFO is told what cannot be known', async () => {
    expect(codesOf(await foundWith([...documented, '-info']))).toEqual(['redis_no_info']);
  });

  test('no WAIT is told so where durability is asked for', async () => {
    const durability = { replicas: 1, timeoutMs: 100 };
    const findings = await foundWith(documented, { durability });
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'redis_no_rights', message: expect.stringMatching(/WAIT/) }),
    );
    expect(codesOf(await foundWith([...documented, '+wait'], { durability }))).not.toContain('redis_no_rights');
  });
});

test('The script tries what the scripts of the store use, and nothing else', () => {
  const sources = [
    ...filesUnder('packages/core/src/stores/redis/wire/scripts'),
    'packages/core/src/stores/redis/connection/replication-wait.ts',
    'packages/core/src/stores/redis/connection/scan-index.ts',
  ];
  const used = sources.flatMap((file) =>
    [...readRepositoryFile(file).matchAll(/(?:redis\.p?call|runKeyCommand)\('(\w+)'/g)].map(([, command = '']) =>
      command.toUpperCase(),
    ),
  );
  const tried = [...permissionsScript.text.matchAll(/try\('(\w+)'/g)].map(([, command]) => command);
  // Without PUBLISH nothing fails.
  expect(new Set([...tried, 'PUBLISH'])).toEqual(new Set(used));
  expect(inScripts.map((command) => command.toUpperCase()).sort()).toEqual(tried.sort());
});

describe('A server that does not answer', () => {
  test('is named with the cause: nobody listens', async () => {
    const gone = await startRedis();
    await gone.stop();
    expect(await checkAt(gone.url)).toMatchObject([
      {
        code: 'redis_unreachable',
        severity: 'error',
        message: expect.stringMatching(/ECONNREFUSED/),
        server: `127.0.0.1:${gone.port}`,
      },
    ]);
  });

  test('is named when it falls silent in between', async () => {
    const frozen = await startRedis();
    const client = new Redis(frozen.url, safeRedisOptions(200));
    client.on('error', () => undefined);
    await client.connect();
    frozen.freeze();
    const findings = await checkWith(client, { callTimeoutMs: 200 });
    client.disconnect();
    await frozen.stop();
    expect(codesOf(findings)).toEqual(['redis_unreachable']);
  });
});
