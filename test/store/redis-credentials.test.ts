// Users and passwords from functions: each connection is made with what they return then.
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ConnectOptions, RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { type RedisServer, startRedis, startRedisCluster, startSentinelSet } from '../../packages/testing/src/index.js';
import { acquireLease, acquireRequest } from '../../packages/testing/src/store-suite/test-helpers.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of cleanups.splice(0).reverse()) await end();
});

async function connect(options: ConnectOptions): Promise<RedisStore> {
  const store = await RedisStore.connect({ callTimeoutMs: 500, ...options });
  cleanups.push(() => store.close());
  return store;
}

const deployments: [name: string, start: () => Promise<{ where: ConnectOptions; servers: readonly RedisServer[] }>][] =
  [
    [
      'one server',
      async () => {
        const server = await startRedis();
        cleanups.push(() => server.stop());
        return { where: { host: '127.0.0.1', port: server.port }, servers: [server] };
      },
    ],
    [
      'a master behind Sentinels',
      async () => {
        const {
          sentinels: _,
          addresses,
          masterName,
          master,
          replicas,
          stop,
        } = await startSentinelSet({ sentinels: 1 });
        cleanups.push(stop);
        return { where: { sentinels: addresses, name: masterName }, servers: [master, ...replicas] };
      },
    ],
    [
      'a cluster',
      async () => {
        const { addresses, nodes, stop } = await startRedisCluster({ replicasPerMaster: 0 });
        cleanups.push(stop);
        return { where: { cluster: addresses }, servers: nodes };
      },
    ],
  ];

/** Gives the user this password alone, and ends all its connections. */
async function rotate(servers: readonly RedisServer[], user: string, password: string): Promise<void> {
  for (const server of servers) {
    await server.command('ACL', 'SETUSER', user, 'on', 'resetpass', `>${password}`, '~*', '&*', '+@all');
    await server.command('CLIENT', 'KILL', 'USER', user);
  }
}

const passwordSources: [how: string, later: (text: () => string) => ConnectOptions['password']][] = [
  ['a function', (text) => () => text()],
  ['an async function', (text) => async () => await new Promise((resolve) => setTimeout(resolve, 20, text()))],
];

describe.each(deployments)('On %s', (_name, start) => {
  test.each(passwordSources)('%s gives each connection the password that is valid then', async (_how, later) => {
    const { where, servers } = await start();
    let password = 'first-password';
    await rotate(servers, 'app', password);
    const store = await connect({ ...where, username: 'app', password: later(() => password) });
    await acquireLease({ store, key: randomUUID() });
    for (password of ['second-password', 'third-password']) {
      await rotate(servers, 'app', password);
      await vi.waitFor(async () => await acquireLease({ store, key: randomUUID() }), 60_000);
    }
  });

  test('the user may come from a function, also for the subscriber connection', async () => {
    const { where, servers } = await start();
    let user = 'app-1';
    await rotate(servers, user, `password of ${user}`);
    const login = { username: () => user, password: () => `password of ${user}` };
    const [waiting, owner] = [await connect({ ...where, ...login }), await connect({ ...where, ...login })];
    const heard: string[] = [];
    waiting.onAttemptEnded((key) => heard.push(key));
    const hears = async () => {
      const key = randomUUID();
      const lease = await acquireLease({ store: owner, key });
      await waiting.acquire(key, acquireRequest({ notifyOnEnd: true }));
      await owner.release(lease, { as: 'retryable' });
      await vi.waitUntil(() => heard.includes(key), 1_000);
    };
    await vi.waitFor(hears, { timeout: 60_000, interval: 50 });
    user = 'app-2';
    await rotate(servers, user, `password of ${user}`);
    for (const server of servers) await server.command('ACL', 'DELUSER', 'app-1');
    await vi.waitFor(hears, { timeout: 60_000, interval: 50 });
  });
});

test('A function is asked at every connection with ioredis 5, too', async () => {
  vi.doMock('ioredis', async () => await import('ioredis5'));
  cleanups.push(() => vi.doUnmock('ioredis'));
  const server = await startRedis();
  cleanups.push(() => server.stop());
  let password = 'first-password';
  await rotate([server], 'app', password);
  const store = await connect({ url: server.url, username: () => 'app', password: async () => password });
  await acquireLease({ store, key: randomUUID() });
  password = 'second-password';
  await rotate([server], 'app', password);
  await vi.waitFor(async () => await acquireLease({ store, key: randomUUID() }), 60_000);
});

describe.each(deployments)('A function that fails, for %s,', (_name, start) => {
  test.each([
    [
      'throws',
      () => Promise.reject(new Error('the token service is away')),
      /password failed: the token service is away/,
    ],
    ['returns nothing', () => Promise.resolve(''), /password failed: it must return a text/],
  ])('is named where it %s, and asked again until it works', async (_how, fails, why) => {
    const { where, servers } = await start();
    await rotate(servers, 'app', 'right');
    let password: () => Promise<string> = fails;
    const store = await connect({ ...where, username: 'app', password: () => password(), connectTimeoutMs: 300 });
    await vi.waitFor(async () => {
      await expect(store.read('a')).rejects.toMatchObject({
        class: 'unavailable',
        message: expect.stringMatching(why),
      });
    }, 60_000);
    expect(store.health()).toMatchObject({ state: 'never_ready', lastError: expect.stringMatching(why) });
    password = async () => 'right';
    await vi.waitFor(() => store.read('a'), 60_000);
  });
});

test('A password that a function returned is not shown', async () => {
  const server = await startRedis({ args: ['--rename-command', 'AUTH', '', '--requirepass', 'other'] });
  cleanups.push(() => server.stop());
  const password = 'a-token-that-nobody-may-see';
  const where = { host: '127.0.0.1', port: server.port };
  const store = await connect({ ...where, password: () => password, connectTimeoutMs: 300 });
  const failed: unknown = await store.read('a').catch((error: unknown) => error);
  const said = [String(failed), JSON.stringify(store.health()), JSON.stringify(await store.check())].join('\n');
  expect(said).toMatch(/unknown command|NOAUTH/);
  expect(said).not.toContain(password);
});

test('A store that is closed while a function is asked connects no more', async () => {
  const server = await startRedis();
  cleanups.push(() => server.stop());
  let answer: (password: string) => void = () => {};
  const asked = new Promise<string>((resolve) => {
    answer = resolve;
  });
  const store = await RedisStore.connect({ url: server.url, password: () => asked, connectTimeoutMs: 50 });
  await store.close();
  answer('late');
  await vi.waitFor(
    async () =>
      expect(
        String(await server.command('CLIENT', 'LIST'))
          .trim()
          .split('\n'),
      ).toHaveLength(1),
    60_000,
  );
  expect(await server.command('INFO', 'commandstats')).not.toContain('cmdstat_auth');
  expect(store.health().state).toBe('closed');
});

test('A password that is neither a string nor a function is rejected without being shown', async () => {
  const options = { host: 'localhost', password: 1234567 } as unknown as ConnectOptions;
  await expect(RedisStore.connect(options)).rejects.toThrow(
    'password is a number; it must be a string, or a function that returns one.',
  );
});
