// onceguard inspect: the page of a store on this machine, for who has the printed address.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { executeIdempotently, recordName } from '@onceguard/core';
import { SqliteStore } from '@onceguard/sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program, runOnceguard } from './run-command.js';

const folder = mkdtempSync(join(tmpdir(), 'onceguard-inspect-'));
const file = join(folder, 'records.db');
const call = { scope: 'alice', key: 'order-17', operation: 'charge' };
let store: SqliteStore;

beforeAll(async () => {
  store = await SqliteStore.open(file);
  const fails = () => Promise.reject(new Error('the connection broke'));
  await executeIdempotently(fails, { ...call, store, onFailure: 'unknown' }).catch(() => {});
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

interface Inspector {
  readonly process: ChildProcess;
  /** With the token. */
  readonly url: string;
  readonly origin: string;
  /** What who opened the address sends. */
  readonly cookie: string;
}

/** Starts the command, and opens the printed address as a browser does. */
async function startInspector(...args: string[]): Promise<Inspector> {
  const child = spawn(process.execPath, [program, 'inspect', file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const url = /http:\S+/.exec(String(line))?.[0] ?? '';
  const entered = await fetch(url, { redirect: 'manual' });
  const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return { process: child, url, origin: new URL(url).origin, cookie };
}

async function stop(inspector: Inspector): Promise<number | null> {
  const ended = once(inspector.process, 'exit');
  inspector.process.kill('SIGINT');
  return (await ended)[0];
}

const page = (inspector: Inspector, cookie: string) => fetch(`${inspector.origin}/`, { headers: { cookie } });

describe('onceguard inspect', () => {
  test('lets in who has the printed address, and nobody else', async () => {
    const inspector = await startInspector();
    expect(inspector.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}$/);
    const entered = await page(inspector, inspector.cookie);
    expect([entered.status, entered.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    const [name = ''] = inspector.cookie.split('=');
    for (const cookie of ['', `${name}=${'x'.repeat(32)}`])
      expect((await page(inspector, cookie)).status).toBeGreaterThanOrEqual(401);
    expect(await fetch(`${inspector.origin}/?token=wrong`, { redirect: 'manual' })).not.toMatchObject({ status: 303 });
    expect(await stop(inspector)).toBe(0);
  });

  test('lists the doubts of the store, decides under the given name, and with --read-only decides nothing', async () => {
    const name = recordName(call);
    const readOnly = await startInspector('--read-only');
    const writable = await startInspector('--by', 'ada');
    const post = async (inspector: Inspector, path: string, body: object) => {
      const headers = {
        cookie: inspector.cookie,
        origin: inspector.origin,
        'content-type': 'application/json',
        'x-onceguard-inspector': '1',
      };
      return await fetch(`${inspector.origin}/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    };
    const listed = await post(readOnly, 'doubts', {});
    expect([listed.status, await listed.text()]).toEqual([200, expect.stringContaining(name)]);
    const { fencingToken } = (await store.read(name)).record ?? {};
    const decision = { recordName: name, fencingToken, as: 'not_done', reason: 'asked the bank' };
    const refused = await post(readOnly, 'decide', decision);
    expect([refused.ok, (await store.read(name)).record?.decisions]).toEqual([false, []]);
    expect((await post(writable, 'decide', decision)).status).toBe(200);
    expect((await store.read(name)).record?.decisions).toMatchObject([
      { by: 'ada', as: 'not_done', reason: 'asked the bank' },
    ]);
    expect([await stop(readOnly), await stop(writable)]).toEqual([0, 0]);
  });

  test.concurrent.each([
    [['--port', '70000'], /--port must be a number from 0 to 65535/],
    [['--port', 'http'], /--port must be a number/],
    [['--trace-url', 'https://traces.example'], /must contain \{traceId\}/],
    [['--by'], /argument missing/],
    [['another'], /inspect takes one URL/],
  ])('%j is one mistake, with status 2', async (args, says) => {
    const { status, stdout, stderr } = await runOnceguard('inspect', file, ...args);
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(says)]);
  });
});
