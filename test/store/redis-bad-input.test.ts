// RedisStore.connect with an address that cannot work: it says what is wrong while it waits, and nothing is executed.
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ConnectOptions, RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { type RedisServer, startRedis } from '../support/redis.js';

let redis: RedisServer;
let passwordServer: RedisServer;
const listening: Server[] = [];

beforeAll(async () => {
  [redis, passwordServer] = await Promise.all([startRedis(), startRedis({ args: ['--requirepass', 'right'] })]);
});

afterAll(async () => {
  await Promise.all([redis, passwordServer].map((server) => server.stop()));
  for (const server of listening) server.close();
});

async function portOf(server: Server): Promise<number> {
  listening.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What a server that refuses says before anybody has asked it, as Redis does in protected mode. */
const refusingServer = (line: string) =>
  portOf(createServer((socket) => void socket.on('error', () => {}).end(`${line}\r\n`)));

const protectedMode = '-DENIED Redis is running in protected mode because protected mode is enabled';
const httpServer = () => portOf(createHttpServer((_request, response) => void response.end('hello')));
const silentServer = () => portOf(createServer(() => {}));
const tlsServer = () =>
  portOf(createTlsServer({ ciphers: 'PSK', pskCallback: () => null }).on('tlsClientError', () => {}));
const closedPort = async () => {
  const server = createServer();
  const port = await portOf(server);
  server.close();
  return port;
};

const urlOf = (port: number, scheme = 'redis') => `${scheme}://127.0.0.1:${port}`;

interface BadInputRow {
  readonly what: string;
  readonly target: () => string | ConnectOptions | Promise<string | ConnectOptions>;
  readonly class: 'misconfigured' | 'unavailable';
  readonly message: RegExp;
}

const rows: BadInputRow[] = [
  {
    what: 'an HTTP server',
    target: async () => urlOf(await httpServer()),
    class: 'misconfigured',
    message: /127\.0\.0\.1:\d+ is an HTTP server, not a Redis/,
  },
  {
    what: 'TLS to a server without',
    target: () => urlOf(redis.port, 'rediss'),
    class: 'misconfigured',
    message: /does not speak TLS on this port/,
  },
  {
    what: 'no TLS to a server with',
    target: async () => urlOf(await tlsServer()),
    class: 'misconfigured',
    message: /expects TLS: use rediss:\/\/ or the option tls/,
  },
  { what: 'no password', target: () => passwordServer.url, class: 'misconfigured', message: /NOAUTH/ },
  {
    what: 'a wrong password',
    target: () => passwordServer.url.replace('//', '//:wrong@'),
    class: 'misconfigured',
    message: /WRONGPASS/,
  },
  {
    what: 'a server in protected mode',
    target: async () => urlOf(await refusingServer(protectedMode)),
    class: 'misconfigured',
    message: /DENIED Redis is running in protected mode/,
  },
  {
    what: 'a server in protected mode, with a password, which makes ioredis hide the refusal',
    target: async () => urlOf(await refusingServer(protectedMode)).replace('//', '//:secret@'),
    class: 'misconfigured',
    message: /DENIED Redis is running in protected mode/,
  },
  {
    what: 'a server that has too many clients',
    target: async () => urlOf(await refusingServer('-ERR max number of clients reached')),
    class: 'misconfigured',
    message: /max number of clients/,
  },
  {
    what: 'a server that says nothing',
    target: async () => urlOf(await silentServer()),
    class: 'unavailable',
    message: /127\.0\.0\.1:\d+: no reply/,
  },
  {
    what: 'a database that the server does not have',
    target: () => `${redis.url}/99`,
    class: 'misconfigured',
    message: /DB index is out of range/,
  },
  { what: 'nobody', target: async () => urlOf(await closedPort()), class: 'unavailable', message: /ECONNREFUSED/ },
  {
    what: 'a name that does not exist',
    target: () => 'redis://nowhere.invalid',
    class: 'unavailable',
    message: /nowhere\.invalid:6379: getaddrinfo/,
  },
  {
    what: 'a Redis that is no cluster, as a cluster',
    target: () => ({ cluster: [redis.url] }),
    class: 'misconfigured',
    message: /cluster support disabled/,
  },
  {
    what: 'a Redis that is no Sentinel, as a Sentinel',
    target: () => ({ sentinels: [redis.url], name: 'payments' }),
    class: 'unavailable',
    message: /unknown command .sentinel/i,
  },
];

describe('RedisStore.connect', () => {
  test.concurrent.each(rows)('says why it cannot work with $what', async ({ target, class: storeClass, message }) => {
    const store = await RedisStore.connect(withTimeout(await target()));
    // A machine that is very busy may not have got its answer before connect had waited long enough.
    await vi.waitFor(async () => {
      const said = expect.stringMatching(message);
      expect(store.health()).toMatchObject({ state: 'never_ready', lastError: said });
      await expect(store.read('a')).rejects.toMatchObject({ class: storeClass, message: said });
    }, 60_000);
    await store.close();
  });

  test('never shows a password', async () => {
    const store = await RedisStore.connect(withTimeout(passwordServer.url.replace('//', '//somebody:hush@')));
    const error = await store.read('a').catch((thrown: unknown) => thrown);
    expect(`${String(error)} ${JSON.stringify(store.health())}`).not.toContain('hush');
    await store.close();
  });

  test.each<[ConnectOptions | string, RegExp]>([
    ['', /url is ""; it must begin with redis:\/\//],
    ['redis.internal:6379', /it must begin with redis:\/\/ or rediss:\/\//],
    ['redis://a:b:c', /it must begin with redis:\/\//],
    [{ cluster: [] }, /cluster is an array; /],
    [{ cluster: ['redis://a:7000/1'] }, /cluster\.0 is .* a cluster has no databases/],
    [{ cluster: ['redis://:hush@a:7000'] }, /^(?!.*hush).*password and tls are options of their own/],
    [{ cluster: ['redis://a:7000'], db: 1 }, /db is 1; it must be left out: a cluster has one database, 0/],
    [{ cluster: ['redis://a:7000'], url: 'redis://b' }, /url is .* it must be left out: the client finds the servers/],
    [{ cluster: ['redis://a:7000'], sentinels: ['redis://b'] }, /sentinels is .* a cluster has no Sentinels/],
    [{ sentinels: ['redis://a:26379'] }, /name is missing; it must be the name by which the Sentinels know the master/],
    [{ url: 'redis://a', prefix: 'shop:{1}:' }, /prefix is .* without spaces and braces/],
    [
      { url: 'redis://a', durability: { replicas: 1, timeoutMs: 1_000 } },
      /it must be less than callTimeoutMs \(1000\)/,
    ],
    [
      { url: 'redis://a', durability: { replicas: 0, timeoutMs: 100 } },
      /durability\.replicas is 0; it must be a whole/,
    ],
  ])('refuses %j before it connects', async (options, message) => {
    await expect(RedisStore.connect(options)).rejects.toThrow(message);
  });
});

/** The cause is known long before. */
function withTimeout(target: string | ConnectOptions): ConnectOptions {
  return { ...(typeof target === 'string' ? { url: target } : target), connectTimeoutMs: 1_500 };
}
