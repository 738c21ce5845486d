// startRedis: what a server keeps, how it stops and restarts, and that nothing of it stays.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RedisServer, startRedis } from '@onceguard/testing';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { plainClient } from './plain-clients.js';
import { remainsOf, tracesOf } from './server-traces.js';

let server: RedisServer;
beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => await server.stop());

test('After the start it replies at its URL, and listens on the loopback only', async () => {
  expect(await server.command('PING')).toBe('PONG');
  expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
  expect(await server.command('CONFIG', 'GET', 'bind')).toEqual(['bind', '127.0.0.1']);
  expect(server.state).toBe('running');
});

test('A failed command rejects with the message of the server', async () => {
  await server.command('SET', 'text', 'words');
  await expect(server.command('INCR', 'text')).rejects.toThrow('not an integer');
  await server.kill();
  await expect(server.command('PING')).rejects.toThrow('ECONNREFUSED');
});

test('Its port and its cluster bus port are below the ephemeral ports', async () => {
  expect(server.port).toBeGreaterThanOrEqual(10_000);
  expect(server.port + 10_000).toBeLessThanOrEqual(32_000);
});

describe('A server that cannot start rejects with the reason, and leaves no directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-nothing-'));
  beforeEach(() => void vi.stubEnv('TMPDIR', folder));
  afterEach(() => {
    vi.unstubAllEnvs();
    expect(readdirSync(folder)).toEqual([]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('on a port in use', async () => {
    await expect(startRedis({ port: server.port })).rejects.toThrow('Address already in use');
  });

  test('with an unknown argument', async () => {
    await expect(startRedis({ args: ['--no-such-option', 'yes'] })).rejects.toThrow('no-such-option');
  });

  test('without a server on the PATH, and ends no other process', async () => {
    const program = fileURLToPath(new URL('processes/start-without-path.mjs', import.meta.url));
    // A process group of its own: nothing else is in reach of a signal to all of it.
    const child = spawn(process.execPath, [program], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(output).toContain('apt-get install redis-server');
  });
});

describe('After kill and restart', () => {
  test('it has its port and its arguments, and no data', async () => {
    const [{ pid, url }, { folder }] = [server, await tracesOf(server)];
    await server.command('SET', 'text', 'words');
    await server.kill();
    expect([server.state, remainsOf([{ pid, folder: `${folder}/nothing` }])]).toEqual(['down', []]);
    await server.restart();
    expect([server.state, server.url, server.pid === pid]).toEqual(['running', url, false]);
    expect(await server.command('DBSIZE')).toBe(0);
  });

  test('it has its data if its arguments persist it, unless discardData is set', async () => {
    const logged = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    await logged.command('SET', 'text', 'words');
    await logged.kill();
    await logged.restart();
    await vi.waitFor(async () => expect(await logged.command('GET', 'text')).toBe('words'), 60_000);
    await logged.restart({ discardData: true });
    await vi.waitFor(async () => expect(await logged.command('DBSIZE')).toBe(0), 60_000);
    expect(await logged.command('CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    await logged.stop();
  });

  test('arguments of a restart apply to this start only', async () => {
    const limit = async () => await server.command('CONFIG', 'GET', 'maxclients');
    const before = await limit();
    await server.restart({ args: ['--maxclients', '77'] });
    expect(await limit()).toEqual(['maxclients', '77']);
    await server.restart();
    expect(await limit()).toEqual(before);
  });
});

test('A frozen server does not reply and keeps its connections; once thawed, it processes what was sent meanwhile', async () => {
  const client = await plainClient(server.url);
  server.freeze();
  expect(server.state).toBe('frozen');
  let reply: string | null = null;
  const setting = client.set('text', 'words').then((status) => {
    reply = status;
  });
  const other = await startRedis();
  await other.stop();
  expect([reply, client.status]).toEqual([null, 'ready']);
  server.thaw();
  await setting;
  expect([reply, server.state]).toEqual(['OK', 'running']);
  client.disconnect();
});

test('A server that ended by itself is down, and can be restarted', async () => {
  await server.command('SHUTDOWN', 'NOSAVE').catch(() => undefined);
  await vi.waitFor(() => expect(server.state).toBe('down'), 60_000);
  await server.restart();
  expect(await server.command('PING')).toBe('PONG');
});

const statesBeforeStop: readonly (readonly [state: string, prepare: (server: RedisServer) => unknown])[] = [
  ['running', () => {}],
  ['frozen', (redis) => redis.freeze()],
  ['killed', async (redis) => await redis.kill()],
  ['restarted', async (redis) => await redis.restart()],
  ['busy', (redis) => void redis.command('EVAL', 'while true do end', 0).catch(() => undefined)],
  ['stopped already', async (redis) => await redis.stop()],
];

test.each(statesBeforeStop)(
  'After stop of a server that was %s there is no process and no directory left',
  async (_, prepare) => {
    const first = await tracesOf(server);
    await prepare(server);
    const last = { ...first, pid: server.pid };
    await server.stop();
    await vi.waitFor(() => expect(remainsOf([first, last])).toEqual([]), 60_000);
    expect(server.state).toBe('down');
  },
);
