// How RedisStore fails: within its deadline, with a class that says what to do, and with the server's own word.
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { StoreError } from '../../packages/core/src/errors.js';
import { classifyMessage } from '../../packages/core/src/stores/redis/connection/classify-error.js';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { acquireLease, acquireRequest } from '../../packages/testing/src/store-suite/test-helpers.js';
import { type RedisServer, startRedis } from '../support/redis.js';

describe('the class of an error', () => {
  const unavailable = [
    'LOADING Redis is loading the dataset in memory',
    'BUSY Redis is busy running a script.',
    'MASTERDOWN Link with MASTER is down',
    'CLUSTERDOWN Hash slot not served',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    "READONLY You can't write against a read only replica. script: 3d1, on @user_script:30.",
    'NOREPLICAS Not enough good replicas to write.',
    'MOVED 3689 127.0.0.1:7001',
    "Stream isn't writeable and enableOfflineQueue options is false",
    "Cluster isn't ready and enableOfflineQueue options is false",
  ];
  const misconfigured = [
    "OOM command not allowed when used memory > 'maxmemory'.",
    "ERR Error running script (call to f_3d1): @user_script:30: @user_script: 30: -OOM command not allowed when used memory > 'maxmemory'.",
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    "NOPERM this user has no permissions to run the 'evalsha' command",
    'DENIED Redis is running in protected mode',
    'ERR max number of clients reached',
    "ERR The user executing the script can't run this command or subcommand script: 3d1, on @user_script:30.",
    'ERR Unknown Redis command called from script script: 3d1, on @user_script:1.',
    "ERR unknown command 'evalsha', with args beginning with: ",
    'NEWERLAYOUT The record has layout 2, this version knows 1',
  ];
  const unknown = [
    'Command timed out',
    'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
    'Connection is closed.',
    'Too many Cluster redirections. Last error: Error: Connection is closed.',
    'Command aborted due to connection close',
    "Socket timeout. Expecting data, but didn't receive any in 1500ms.",
    'something that nobody has heard of',
  ];
  const bug = [
    'WRONGTYPE Operation against a key holding the wrong kind of value script: 3d1, on @user_script:8.',
    'FOREIGNKEY The key holds a hash that is no record',
    'NOSCRIPT No matching script. Please use EVAL.',
    'ERR Error running script (call to f_3d1): @user_script:8: user_script:8: attempt to compare nil with number',
    'ERR syntax error',
  ];
  const rows = Object.entries({ unavailable, misconfigured, unknown, bug });
  test.each(rows.flatMap(([expected, messages]) => messages.map((message) => ({ expected, message }))))(
    'is $expected for $message',
    ({ expected, message }) => expect(classifyMessage(message).class).toBe(expected),
  );
});

describe('on a server in trouble', () => {
  const callTimeoutMs = 2_000;
  let server: RedisServer;
  let admin: Redis;
  let client: Redis;
  let store: RedisStore;

  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.url);
  });

  beforeEach(async () => {
    client = new Redis(server.url, { enableOfflineQueue: false, maxRetriesPerRequest: 0, lazyConnect: true });
    await client.connect();
    store = new RedisStore({ client, callTimeoutMs });
  });

  afterEach(() => client.disconnect());

  afterAll(async () => {
    admin.disconnect();
    await server.stop();
  });

  const isIdle = () => admin.ping().then(Boolean, () => false);
  const set = (name: string, value: string) => admin.config('SET', name, value);

  const troubles = [
    {
      word: 'NOREPLICAS',
      class: 'unavailable',
      begin: () => set('min-replicas-to-write', '1'),
      end: () => set('min-replicas-to-write', '0'),
    },
    {
      word: 'READONLY',
      class: 'unavailable',
      begin: () => admin.replicaof('127.0.0.1', 1),
      end: () => admin.replicaof('NO', 'ONE'),
    },
    {
      word: 'MASTERDOWN',
      class: 'unavailable',
      begin: async () => {
        await set('replica-serve-stale-data', 'no');
        await admin.replicaof('127.0.0.1', 1);
      },
      end: () => admin.replicaof('NO', 'ONE'),
    },
    { word: 'OOM', class: 'misconfigured', begin: () => set('maxmemory', '1'), end: () => set('maxmemory', '0') },
    {
      word: 'NOPERM',
      class: 'misconfigured',
      begin: () => admin.acl('SETUSER', 'default', '-evalsha', '-eval'),
      end: () => admin.acl('SETUSER', 'default', '+evalsha', '+eval'),
    },
    {
      word: 'MISCONF',
      class: 'misconfigured',
      begin: async () => {
        const [, dir = ''] = (await admin.config('GET', 'dir')) as string[];
        mkdirSync(join(dir, 'dump.rdb'));
        await set('save', '3600 1');
        await admin.bgsave();
        await vi.waitUntil(
          async () => (await admin.info('persistence')).includes('rdb_last_bgsave_status:err'),
          60_000,
        );
      },
      end: () => set('save', ''),
    },
    {
      word: 'BUSY',
      class: 'unavailable',
      begin: async () => {
        await set('lua-time-limit', '1');
        const busy = new Redis(server.url);
        busy.eval('while true do end', 0).catch(() => busy.disconnect());
        await vi.waitUntil(async () => !(await isIdle()), 60_000);
      },
      end: async () => {
        await admin.script('KILL');
        await vi.waitUntil(isIdle, 60_000);
      },
    },
  ];

  test.each(troubles)('a call fails as $class, names $word, writes nothing, and works afterwards', async (trouble) => {
    const key = randomUUID();
    await trouble.begin();
    try {
      const failing = store.acquire(key, acquireRequest());
      await expect(failing).rejects.toMatchObject({
        class: trouble.class,
        message: expect.stringContaining(trouble.word),
      });
    } finally {
      await trouble.end();
    }
    expect((await store.read(key)).record).toBeNull();
    expect((await store.acquire(key, acquireRequest())).kind).toBe('acquired');
  });

  test('a call that gets no answer fails as unknown at the deadline, and recognises itself when it is repeated', async () => {
    const [key, asked] = [randomUUID(), acquireRequest()];
    await admin.client('PAUSE', 60_000, 'WRITE');
    await expect(store.acquire(key, asked)).rejects.toMatchObject({
      class: 'unknown',
      message: expect.stringMatching(/within 2000 ms/),
    });
    await admin.client('UNPAUSE');
    const fencingToken = await vi.waitUntil(async () => (await store.read(key)).record?.fencingToken, 60_000);
    expect(await store.acquire(key, asked)).toMatchObject({ kind: 'acquired', attempt: 1, fencingToken });
  });

  test('a frozen server cannot make a call last longer than the deadline, whatever the options of the client', async () => {
    const plain = new Redis(server.url, { maxRetriesPerRequest: null });
    const patient = new RedisStore({ client: plain, callTimeoutMs });
    await patient.read('warm');
    process.kill(server.pid, 'SIGSTOP');
    try {
      const calls = [store, patient].map((one) => one.read('frozen'));
      for (const call of calls) await expect(call).rejects.toMatchObject({ class: 'unknown' });
    } finally {
      process.kill(server.pid, 'SIGCONT');
      plain.disconnect();
    }
  });

  test('an error shows neither the arguments of the call nor the error of the client, which carries them', async () => {
    const lease = await acquireLease({ store, key: randomUUID() });
    await set('maxmemory', '1');
    try {
      const completion = { outcome: Buffer.from('secret'), outcomeTtlMs: 1, note: 'secret', notAfter: 0 };
      const error: unknown = await store.complete(lease, completion).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StoreError);
      expect(error).not.toHaveProperty('cause');
      expect(String(error)).not.toContain('secret');
    } finally {
      await set('maxmemory', '0');
    }
  });
});
