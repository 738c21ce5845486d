// The demo: its scenes succeed on both stores, and wrong arguments differ from a failure.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { program, startOnceguard } from '../cli/run-command.js';
import { redisUrl } from '../support/redis.js';

describe('the demo', () => {
  test('charges every payment once in a file, also when a server is killed in the middle', async () => {
    const { status, stdout: text } = await startOnceguard('demo');
    expect(text).toContain('Every payment was charged once.');
    expect(text).not.toContain('✗');
    expect(text.match(/^\d\. /gm)).toHaveLength(9);
    expect(text).toContain('A server that dies, and a transfer that must not run twice');
    expect(status).toBe(0);
  }, 120_000);

  test('charges every payment once on Redis, also when a server is killed in the middle', async () => {
    const { status, stdout: text } = await startOnceguard('demo', '--redis', redisUrl());
    expect(text).toContain('A server that dies, and a transfer that must not run twice');
    expect(text).toContain('Every payment was charged once.');
    expect(status).toBe(0);
  }, 120_000);

  test('leaves the inspector up with --serve, with the doubts of the demo in its inbox', async () => {
    const child = spawn(process.execPath, [program, 'demo', '--serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    try {
      const address = await inspectorAddress(child);
      const entered = await fetch(address, { redirect: 'manual' });
      const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const headers = { cookie, 'content-type': 'application/json', 'x-onceguard-inspector': '1' };
      const call = { method: 'POST', body: '{}', headers: { ...headers, 'sec-fetch-site': 'same-origin' } };
      expect(
        (await fetch(new URL('/api/doubts', address), { ...call, headers: { ...call.headers, cookie: '' } })).status,
      ).toBe(403);
      const { doubts } = await (await fetch(new URL('/api/doubts', address), call)).json();
      // One that failed, and one whose server was killed.
      expect(doubts).toMatchObject([{ operation: 'transfer' }, { operation: 'transfer' }]);
    } finally {
      child.kill('SIGINT');
    }
    expect(await ended).toEqual([0, null]);
  });

  test.each([
    [['--redis', 'redis://127.0.0.1:1'], 2, 'ECONNREFUSED'],
    [['--port'], 2, 'Usage: onceguard demo'],
  ])('says what is wrong with %j', async (args, expected, message) => {
    const { status, stderr } = await startOnceguard('demo', ...args);
    expect(stderr).toContain(message);
    expect(status).toBe(expected);
  });
});

/** The address of the inspector, as the demo prints it. */
async function inspectorAddress({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    text += String(chunk);
    const address = /The inspector: (http:\S+)/.exec(text)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`The demo ended without an inspector:\n${text}`);
}
