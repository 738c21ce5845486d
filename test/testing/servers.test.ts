// A Redis server of one's own: what it keeps, how it goes and comes back, and that nothing of it stays.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisServer, startRedis } from '@onceguard/testing';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { plainClient } from './plain-clients.js';
import { remainsOf, tracesOf } from './server-traces.js';

let server: RedisServer;
beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => await server.stop());

test('Started, it answers at its address, and on the loopback alone', async () => {
  expect(await server.command('PING')).toBe('PONG');
  expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
  expect(await server.command('CONFIG', 'GET', 'bind')).toEqual(['bind', '127.0.0.1']);
  expect(server.state).toBe('running');
});

test('A command that is refused is rejected with what the server says', async () => {
  await server.command('SET', 'text', 'words');
  await expect(server.command('INCR', 'text')).rejects.toThrow('not an integer');
  await server.kill();
  await expect(server.command('PING')).rejects.toThrow('ECONNREFUSED');
});

test('Its ports, and that of a cluster node beside it, are none that the system gives away', async () => {
  expect(server.port).toBeGreaterThanOrEqual(10_000);
  expect(server.port + 10_000).toBeLessThanOrEqual(32_000);
});

describe('Where it cannot start, it says why and leaves no directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-nothing-'));
  beforeEach(() => void vi.stubEnv('TMPDIR', folder));
  afterEach(() => {
    vi.unstubAllEnvs();
    expect(readdirSync(folder)).toEqual([]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('on a port that is taken', async () => {
    await expect(startRedis({ port: server.port })).rejects.toThrow('Address already in use');
  });

  test('with an argument that the server does not know', async () => {
    await expect(startRedis({ args: ['--no-such-option', 'yes'] })).rejects.toThrow('no-such-option');
  });

  test('without a server on the PATH', async () => {
    vi.stubEnv('PATH', '/nowhere');
    await expect(startRedis()).rejects.toThrow('apt-get install redis-server');
  });
});

describe('Killed and brought back', () => {
  test('it has its port and its arguments, and nothing of its data', async () => {
    const [{ pid, url }, { folder }] = [server, await tracesOf(server)];
    await server.command('SET', 'text', 'words');
    await server.kill();
    expect([server.state, remainsOf([{ pid, folder: `${folder}/nothing` }])]).toEqual(['down', []]);
    await server.restart();
    expect([server.state, server.url, server.pid === pid]).toEqual(['running', url, false]);
    expect(await server.command('DBSIZE')).toBe(0);
  });

  test('it has its data where its arguments say so, unless it is to be empty', async () => {
    const logged = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    await logged.command('SET', 'text', 'words');
    await logged.kill();
    await logged.restart();
    await vi.waitFor(async () => expect(await logged.command('GET', 'text')).toBe('words'));
    await logged.restart({ discardData: true });
    await vi.waitFor(async () => expect(await logged.command('DBSIZE')).toBe(0));
    expect(await logged.command('CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    await logged.stop();
  });

  test('arguments of the restart hold for this time', async () => {
    const limit = async () => await server.command('CONFIG', 'GET', 'maxclients');
    const before = await limit();
    await server.restart({ args: ['--maxclients', '77'] });
    expect(await limit()).toEqual(['maxclients', '77']);
    await server.restart();
    expect(await limit()).toEqual(before);
  });
});

test('Frozen, it says nothing and its connections stay; thawed, it does what it was asked meanwhile', async () => {
  const client = await plainClient(server.url);
  server.freeze();
  expect(server.state).toBe('frozen');
  let answer: string | null = null;
  const setting = client.set('text', 'words').then((said) => {
    answer = said;
  });
  const other = await startRedis();
  await other.stop();
  expect([answer, client.status]).toEqual([null, 'ready']);
  server.thaw();
  await setting;
  expect([answer, server.state]).toEqual(['OK', 'running']);
  client.disconnect();
});

test('One that ended by itself is down, and can be brought back', async () => {
  await server.command('SHUTDOWN', 'NOSAVE').catch(() => undefined);
  await vi.waitFor(() => expect(server.state).toBe('down'));
  await server.restart();
  expect(await server.command('PING')).toBe('PONG');
});

const waysToStop: readonly (readonly [how: string, before: (server: RedisServer) => unknown])[] = [
  ['running', () => {}],
  ['frozen', (one) => one.freeze()],
  ['killed', async (one) => await one.kill()],
  ['brought back', async (one) => await one.restart()],
  ['busy', (one) => void one.command('EVAL', 'while true do end', 0).catch(() => undefined)],
  ['stopped already', async (one) => await one.stop()],
];

test.each(waysToStop)('Stopped when it was %s, it leaves no process and no directory', async (_, before) => {
  const first = await tracesOf(server);
  await before(server);
  const last = { ...first, pid: server.pid };
  await server.stop();
  await vi.waitFor(() => expect(remainsOf([first, last])).toEqual([]));
  expect(server.state).toBe('down');
});
