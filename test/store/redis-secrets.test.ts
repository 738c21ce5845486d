// Secrets and what servers say: no password gets into a message, an event, a warning, health, a finding, or a command's output.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { type Cluster, Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type EventName, onEvent } from '../../packages/core/src/events.js';
import { type ConnectOptions, RedisStore, safeRedisOptions } from '../../packages/core/src/stores/redis/index.js';
import { startRedis } from '../../packages/testing/src/index.js';
import { runOnceguard, startOnceguard } from '../cli/run-command.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of cleanups.splice(0).reverse()) await end();
});

/** Everything that a program can see: events, warnings of the process, and what is written to the console. */
function recordOutput(): string[] {
  const seen: string[] = [];
  const note = (...values: unknown[]) => void seen.push(inspect(values, { depth: 20, showHidden: true }));
  const events: EventName[] = ['store_error', 'warning', 'data_may_be_lost'];
  cleanups.push(...events.map((name) => onEvent(name, note)));
  process.on('warning', note);
  cleanups.push(() => process.off('warning', note));
  for (const method of ['log', 'warn', 'error'] as const) {
    const spy = vi.spyOn(console, method).mockImplementation(note);
    cleanups.push(() => spy.mockRestore());
  }
  return seen;
}

/** Uses a store in all ways in which it says something about its server, and answers with all that was said. */
async function everythingSaid(options: ConnectOptions): Promise<string> {
  const seen = recordOutput();
  const store = await RedisStore.connect({ connectTimeoutMs: 500, callTimeoutMs: 300, ...options });
  const failed: unknown = await store.read('a').catch((error: unknown) => error);
  seen.push(inspect([failed, store.health(), await store.check(), store.health()], { depth: 20, showHidden: true }));
  await store.close();
  return seen.join('\n');
}

const isLeaked = (text: string, secret: string) =>
  [secret, encodeURIComponent(secret), secret.slice(0, 16)].some((form) => text.includes(form));

/** Answers every command with an error made of what it was sent. */
async function startEcho(answer: (sent: string) => string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (sent) => socket.write(answer(sent.toString().replace(/[\r\n]+/g, ' '))));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const secrets = [
  ['short', 'hush-hush'],
  ['with special characters', 'hu/sh?@h#%s&h'],
  ['longer than a server repeats', `hush-${'0123456789abcdef'.repeat(40)}`],
  ['not in ASCII', 'höchst-geheim-ü'],
] as const;

describe.each(secrets)('A password %s is not shown', (_which, password) => {
  test('by a server whose AUTH has another name', async () => {
    const server = await startRedis({ args: ['--rename-command', 'AUTH', 'LOGIN', '--requirepass', password] });
    cleanups.push(() => server.stop());
    const said = await everythingSaid({ host: '127.0.0.1', port: server.port, password });
    expect(said).toMatch(/NOAUTH|unknown command/);
    expect(isLeaked(said, password)).toBe(false);
  });

  test.each<[how: string, answer: (sent: string) => string]>([
    ['as it came', (sent) => `-ERR what is ${sent}\r\n`],
    ['behind a word that it refuses by', (sent) => `-DENIED ${sent}\r\n`],
    ['with escape sequences in it', (sent) => `-ERR \x1b[31m${[...sent].join('\x1b[0m')}\r\n`],
    ['as in a URL', (sent) => `-WRONGPASS redis://app:${encodeURIComponent(sent)}@host\r\n`],
    ['in JSON', (sent) => `-WRONGPASS ${JSON.stringify({ sent })}\r\n`],
    ['as a value', (sent) => `$${Buffer.byteLength(sent)}\r\n${sent}\r\n`],
    [
      'as INFO',
      (sent) => {
        const info = `role:${sent}\r\nredis_version:1.${sent}\r\nmaxmemory_policy:${sent}\r\nrun_id:${sent}`;
        return `$${Buffer.byteLength(info)}\r\n${info}\r\n`;
      },
    ],
  ])('by a server that repeats what it is sent, %s', async (_how, answer) => {
    const port = await startEcho(answer);
    const said = await everythingSaid({ host: '127.0.0.1', port, username: 'app', password });
    expect(isLeaked(said, password)).toBe(false);
    expect(said).not.toContain('\x1b');
  });

  test.each(['cluster', 'sentinels'] as const)('by %s that repeat it', async (kind) => {
    const port = await startEcho((sent) => `-ERR what is ${sent}\r\n`);
    const addresses = [{ host: '127.0.0.1', port }];
    const options =
      kind === 'cluster'
        ? { cluster: addresses, password }
        : { sentinels: addresses, name: 'master', sentinelPassword: password, password: `${password}-too` };
    expect(isLeaked(await everythingSaid(options), password)).toBe(false);
  });

  test('by the doctor', async () => {
    const port = await startEcho((sent) => `-ERR \x1b[31mwhat is ${sent}\r\n`);
    for (const format of [[], ['--json']]) {
      const address = `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`;
      const { stdout, stderr } = await startOnceguard('doctor', address, '--timeout', '500', ...format);
      expect(stdout).toContain('redis_unreachable');
      expect(isLeaked(stdout + stderr, password)).toBe(false);
      for (const sequence of ['\x1b', '\\u001b']) expect(stdout + stderr).not.toContain(sequence);
    }
  });

  test.each<[how: string, client: (port: number) => Redis | Cluster]>([
    ['in its options', (port) => new Redis(port, { password, ...safeRedisOptions(300) })],
    [
      'in the query of its URL',
      (port) => {
        const query = new URLSearchParams({ password });
        return new Redis(`redis://127.0.0.1:${port}?${query}`, safeRedisOptions(300));
      },
    ],
    ['in its host', () => new Redis({ host: `app:${password}@127.0.0.1`, ...safeRedisOptions(300) })],
    ['in its path', () => new Redis({ path: `/nowhere.sock?password=${password}`, ...safeRedisOptions(300) })],
  ])('of a client that has it %s', async (_how, make) => {
    const seen = recordOutput();
    const client = make(await startEcho((sent) => `-ERR what is ${sent}\r\n`));
    client.on('error', () => {});
    cleanups.push(() => client.disconnect());
    const store = new RedisStore({ client, callTimeoutMs: 300 });
    await client.connect().catch(() => {});
    const failed: unknown = await store.read('a').catch((error: unknown) => error);
    seen.push(inspect([failed, store.health(), await store.check()], { depth: 20, showHidden: true }));
    expect(isLeaked(seen.join('\n'), password)).toBe(false);
  });
});

test.each<[options: object | string]>([
  ['redis://localhost?password=hush'],
  ['redis:hush@localhost'],
  ['redis://:hush/hush@localhost'],
  ['redis://:hush#hush@localhost'],
  ['redis://:12/hush@localhost'],
  ['redis://:hush%hush@localhost'],
  ['redis//app:hush@localhost'],
  ['app:hush@localhost:6379'],
  ['hush'],
  [{ url: ['redis://:hush@localhost'] }],
  [{ host: 'redis://:hush@localhost' }],
  [{ host: 'app:hush@localhost' }],
  [{ host: 'localhost', password: ['hush'] }],
  [{ host: 'localhost', password: 1234567890, username: 1234567890 }],
  [{ cluster: ['redis://:hush@localhost'] }],
  [{ cluster: [{ host: 'localhost', port: 1, password: 'hush' }] }],
  [{ cluster: 'redis://:hush@localhost' }],
  [{ sentinels: ['localhost?password=hush'], name: 'm' }],
  [{ url: 'redis://:hush@localhost', cluster: ['redis://localhost'] }],
])('An option that cannot be meant is refused, and no password in it is shown: %j', async (options) => {
  const refused = await RedisStore.connect(options as ConnectOptions).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'option_invalid' });
  expect(inspect(refused, { depth: 20, showHidden: true }).replace(import.meta.url, '')).not.toMatch(/hush|1234567890/);
});

test.each([['--password=hush'], ['-hush'], ['--json=hush'], ['--timeout', 'hush'], ['hush']])(
  'The doctor repeats no word of its command line that may be a password: %s %s',
  async (...words) => {
    const { status, stdout, stderr } = await runOnceguard('doctor', 'redis://127.0.0.1:1', ...words);
    expect(status).toBe(2);
    expect(stdout + stderr).not.toContain('hush');
  },
);
