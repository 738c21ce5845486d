// What a Redis means that refuses a call in words of its own: managed services and proxies begin most of them with a plain ERR.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { StoreError } from '../../packages/core/src/errors.js';
import { classifyMessage } from '../../packages/core/src/stores/redis/connection/classify-error.js';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { startRedis } from '../../packages/testing/src/index.js';
import { acquireLease, acquireRequest, completionOf } from '../../packages/testing/src/store-suite/test-helpers.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of cleanups.splice(0).reverse()) await end();
});

const refusalTexts: Record<string, string[]> = {
  'misconfigured, full': [
    "OOM command not allowed when used memory > 'maxmemory'.",
    'ERR DB capacity quota exceeded. Limit: 268435456 bytes, Usage: 268435500 bytes',
    'ERR quota exceeded',
    'ERR storage limit reached for this plan',
    'ERR database size limit exceeded',
    'ERR memory limit exceeded',
    'ERR not enough memory',
    'ERR write failed: no space left on device',
    'ERR Disk is full',
    'ERR max request, out of memory',
    "ERR Error running script (call to f_3d1): @user_script:30: @user_script: 30: -OOM command not allowed when used memory > 'maxmemory'.",
  ],
  'misconfigured, too_large': [
    'ERR max request size exceeded. Limit: 1048576 bytes, Actual: 1052480 bytes',
    'ERR max single record size exceeded. Limit: 104857600 bytes, Actual: 157810688 bytes',
    'ERR Protocol error: invalid bulk length',
    'ERR Protocol error: too big bulk count string',
    'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
    'ERR string exceeds maximum allowed size (512MB) script: 3d1, on @user_script:30.',
    'ERR value too large',
    'ERR request too big',
  ],
  misconfigured: [
    'ERR max requests limit exceeded. Limit: 500000, Usage: 500001.',
    'ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.',
    'ERR monthly bandwidth quota exceeded',
    'ERR max concurrent connections exceeded',
    'ERR max number of clients + cluster connections reached',
    'ERR command is not allowed',
    "ERR command 'EVAL' not support for normal user",
    "ERR Command is not available: 'EVAL'",
    'ERR This Redis command is not allowed from script script: 3d1, on @user_script:1.',
    'ERR unknown command `evalsha`, with args beginning with: `3d1`, ',
    'ERR unknown subcommand',
    'ERR Unsupported command',
    'ERR operation not permitted',
    'ERR AUTH <password> called without any password configured for the default user. Are you sure?',
    'ERR Client sent AUTH, but no password is set',
    'ERR invalid password',
    'ERR unauthorized',
    'ERR this database has been suspended',
    'ERR plan limit exceeded',
    'ERR Error running script (call to f_3d1): @user_script:1: @user_script: 1: Unknown Redis command called from Lua script',
    'ERR Error running script (call to f_3d1): @user_script:1: -NOPERM this user has no permissions',
    'ERR DB index is out of range',
  ],
  unavailable: [
    'ERR rate limit exceeded',
    'ERR too many requests',
    'ERR max commands per second exceeded',
    'ERR request throttled, try again later',
    'ERR Connection refused',
    'ERR server is temporarily overloaded',
    'no upstream host',
  ],
  unknown: [
    'ERR something went wrong',
    'ERR Connection timed out',
    'ERR internal error',
    'ERR proxy: upstream lost',
    'Command timed out',
    'Connection is closed.',
    'Too many Cluster redirections. Last error: Error: Connection is closed.',
    'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
    'connect ECONNREFUSED 127.0.0.1:6379',
  ],
  bug: [
    'ERR syntax error',
    'ERR syntax error script: 3d1, on @user_script:30.',
    "ERR wrong number of arguments for 'set' command",
    'ERR value is not an integer or out of range',
    "ERR invalid expire time in 'set' command",
    "ERR Number of keys can't be greater than number of args",
    'ERR Error running script (call to f_3d1): @user_script:8: user_script:8: attempt to compare nil with number',
    'ERR user_script:8: too many results to unpack script: 3d1, on @user_script:8.',
    "ERR user_script:8: bad argument #2 to 'unpack' (data string too short) script: 3d1, on @user_script:8.",
    'ERR Error compiling script (new function): user_script:8: unexpected symbol near',
    'ERR Script attempted to access a non local key in a cluster node',
  ],
};

test.each(Object.entries(refusalTexts).flatMap(([meant, all]) => all.map((text) => ({ meant, text }))))(
  'is $meant: $text',
  ({ meant, text }) => {
    const { class: storeClass, refusal } = classifyMessage(text);
    expect([storeClass, refusal].filter(Boolean).join(', ')).toBe(meant);
  },
);

/** A server that answers as a Redis does, and every script with these words. */
async function startRefusing(words: string): Promise<number> {
  const command = /\*\d+\r\n(?:\$\d+\r\n[^\r]*\r\n)+/g;
  const replyTo = (sent: string) => {
    if (/\r\neval/i.test(sent)) return `-${words}\r\n`;
    return /\r\ninfo\r\n/i.test(sent) ? '$11\r\nrole:master\r\n' : '+OK\r\n';
  };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (sent) => socket.write((sent.toString('latin1').match(command) ?? []).map(replyTo).join('')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

test.each([
  ['misconfigured', 'full', 'ERR DB capacity quota exceeded'],
  ['misconfigured', 'too_large', 'ERR max request size exceeded'],
  ['misconfigured', null, 'ERR max requests limit exceeded'],
  ['unavailable', null, 'ERR rate limit exceeded'],
  ['unknown', null, 'ERR something went wrong'],
])('A call that a healthy server refuses is %s (%s), in its words: %s', async (storeClass, refusal, words) => {
  const port = await startRefusing(words);
  const store = await RedisStore.connect({ host: '127.0.0.1', port, callTimeoutMs: 500 });
  cleanups.push(() => store.close());
  await expect(store.acquire(randomUUID(), acquireRequest())).rejects.toMatchObject({
    class: storeClass,
    refusal,
    message: `Redis failed to acquire: ${words}`,
  });
});

describe('An outcome that is larger than the server takes', () => {
  test('fails, in the words of the server or with the connection that it ends, and its record stays with its owner', async () => {
    const server = await startRedis({ args: ['--proto-max-bulk-len', '1mb'] });
    cleanups.push(() => server.stop());
    const store = await RedisStore.connect({ url: server.url, callTimeoutMs: 5_000 });
    cleanups.push(() => store.close());
    const lease = await acquireLease({ store, key: randomUUID() });
    const large = completionOf('x'.repeat(2 * 1_048_576));
    const refused: unknown = await store.complete(lease, large).catch((error: unknown) => error);
    // The server ends the connection behind its reply, which is lost where bytes are still on their way.
    const { class: storeClass, refusal } = refused as StoreError;
    expect([
      ['misconfigured', 'too_large'],
      ['unknown', null],
    ]).toContainEqual([storeClass, refusal]);
    await expect.poll(() => store.health().state).toBe('ready');
    expect(await store.complete(lease, completionOf('small'))).toMatchObject({ kind: 'ok' });
  });
});
