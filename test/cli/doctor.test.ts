// onceguard doctor: what it says of servers, in which form, and with which status it ends.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RedisServer, startRedis } from '../support/redis.js';
import { runOnceguard, startOnceguard } from './run-command.js';

let healthyServer: RedisServer;
let misconfiguredServer: RedisServer;
let passwordServer: RedisServer;

beforeAll(async () => {
  const [aof, password] = [['--appendonly', 'yes'], 'se/cr?et@'];
  [healthyServer, misconfiguredServer, passwordServer] = await Promise.all([
    startRedis({ args: aof }),
    startRedis({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] }),
    startRedis({ args: [...aof, '--requirepass', password] }),
  ]);
});

afterAll(() => Promise.all([healthyServer, misconfiguredServer, passwordServer].map((server) => server.stop())));

/** With a deadline so long that no machine is too slow for it. */
const runDoctor = (...words: string[]) => runOnceguard('doctor', ...words, '--timeout', '20000');
const startDoctor = (...words: string[]) => startOnceguard('doctor', ...words, '--timeout', '20000');

const nameOf = ({ port }: RedisServer) => `127.0.0.1:${port}`;

describe('In words', () => {
  test('it ends with 0 where nothing is an error', async () => {
    const name = nameOf(healthyServer);
    expect(await startDoctor(healthyServer.url)).toEqual({
      status: 0,
      stdout: [
        'Good to know',
        '',
        `  ${name}: redis_fsync_every_second`,
        '    appendfsync is everysec: a power cut loses about the last second, and with a slow disk so does a crash of Redis',
        '    → Set appendfsync always if that is too much to lose; every write then waits for the disk.',
        '',
        `Errors: 0, warnings: 0, good to know: 1. Checked: ${name}.`,
        '',
      ].join('\n'),
      stderr: '',
    });
  });

  test('it ends with 0 where nothing is worse than a warning', async () => {
    await healthyServer.command('CONFIG', 'SET', 'appendfsync', 'no');
    const { status, stdout } = await runDoctor(healthyServer.url);
    await healthyServer.command('CONFIG', 'SET', 'appendfsync', 'everysec');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^Warnings: .*\n\n.*redis_fsync_never\n/)]);
  });

  test('it ends with 1 where something is, groups by severity, and says what to do', async () => {
    const { status, stdout, stderr } = await startDoctor(misconfiguredServer.url);
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(
      /^Errors: .*\n\n.*redis_evicts\n.*allkeys-lru.*\n.*→ Set maxmemory-policy.*\n\nWarnings: .*\n\n.*redis_not_persistent\n/,
    );
    expect(stdout).toMatch(/Errors: 1, warnings: 1, good to know: 0\./);
  });

  test('what is so with several servers is said once, and both are named', async () => {
    const { stdout } = await runDoctor(healthyServer.url, passwordServer.url.replace('//', '//:se%2Fcr%3Fet%40@'));
    expect(stdout).toContain(`  ${nameOf(healthyServer)}, ${nameOf(passwordServer)}: redis_fsync_every_second\n`);
  });
});

test('With --json it answers programs', async () => {
  const { status, stdout, stderr } = await startDoctor(misconfiguredServer.url, healthyServer.url, '--json');
  expect([status, stderr]).toEqual([1, '']);
  const report = JSON.parse(stdout);
  expect(Object.keys(report)).toEqual(['servers', 'findings', 'ok']);
  expect(report).toMatchObject({ servers: [nameOf(misconfiguredServer), nameOf(healthyServer)], ok: false });
  expect(report.findings).toMatchObject([
    { code: 'redis_evicts', severity: 'error', server: nameOf(misconfiguredServer) },
    { code: 'redis_not_persistent', severity: 'warning', server: nameOf(misconfiguredServer) },
    { code: 'redis_fsync_every_second', severity: 'info', server: nameOf(healthyServer) },
  ]);
  for (const { message, remedy } of report.findings)
    expect([typeof message, typeof remedy]).toEqual(['string', 'string']);
  expect(JSON.parse((await runDoctor(healthyServer.url, '--json')).stdout)).toMatchObject({ ok: true });
});

test('It looks under the prefix that it is given', async () => {
  await healthyServer.command('ACL', 'SETUSER', 'shop', 'on', '>secret', '~shop:*', '+@all');
  const url = healthyServer.url.replace('//', '//shop:secret@');
  expect((await runDoctor(url, '--prefix', 'shop:')).status).toBe(0);
  expect(await runDoctor(url)).toMatchObject({ status: 1, stdout: expect.stringMatching(/redis_no_rights/) });
});

describe('A server that lets nobody in is an error that says why:', () => {
  const listening: { close(): unknown }[] = [];
  afterAll(() => listening.forEach((server) => void server.close()));

  async function portOf(server: ReturnType<typeof createServer> | ReturnType<typeof createTlsServer>): Promise<number> {
    listening.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  const speaksHttp = () => portOf(createServer((_request, response) => void response.end('hello')));
  const speaksTls = () =>
    portOf(createTlsServer({ ciphers: 'PSK', pskCallback: () => null }).on('tlsClientError', () => {}));

  test.concurrent.each<[what: string, url: () => string | Promise<string>, why: RegExp]>([
    ['nobody listens', () => 'redis://127.0.0.1:1', /ECONNREFUSED/],
    ['no password', () => passwordServer.url, /NOAUTH/],
    ['a wrong password', () => passwordServer.url.replace('//', '//:wrong-one@'), /WRONGPASS/],
    ['a wrong user', () => passwordServer.url.replace('//', '//nobody:wrong-one@'), /WRONGPASS/],
    ['an HTTP server', async () => `redis://127.0.0.1:${await speaksHttp()}`, /is an HTTP server, not a Redis/],
    ['TLS is expected', async () => `redis://127.0.0.1:${await speaksTls()}`, /expects TLS: use rediss:/],
    [
      'TLS is not spoken',
      () => healthyServer.url.replace('redis:', 'rediss:'),
      /does not speak TLS on this port: .* redis:\/\/ would send the password and all records unencrypted/,
    ],
  ])('%s', async (_what, url, why) => {
    const { status, stdout, stderr } = await runOnceguard('doctor', await url(), '--json', '--timeout', '800');
    expect([status, stderr]).toEqual([1, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [{ code: 'redis_unreachable', severity: 'error', message: expect.stringMatching(why) }],
      ok: false,
    });
    expect(stdout).not.toMatch(/wrong-one|secret/);
  });
});
