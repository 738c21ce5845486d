// @onceguard/web in a worker: bundled for workerd, the runtime of Cloudflare Workers, and run in it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as esbuild from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../packages/source-trees.js';

/** The binary, and not its launcher, which does not pass descriptor 3 on. */
const { default: workerdPath } = createRequire(import.meta.url)('workerd') as { default: string };
const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-worker-'));
let workerd: ChildProcess;
let origin = '';

/** `slow` keeps a request at work until its duplicate has come. */
const worker = `
import { MemoryStore } from '@onceguard/core';
import { httpPaymentPolicy, idempotencyOf, withIdempotency } from '@onceguard/web';

const store = new MemoryStore();
let runs = 0;

const pay = withIdempotency(
  async (request) => {
    runs += 1;
    const { cents, slow } = await request.json();
    if (slow) await scheduler.wait(200);
    return Response.json({ cents, run: runs, key: idempotencyOf(request).key }, { status: 201 });
  },
  { ...httpPaymentPolicy, store, scope: 'public', waitUntil: (work, _request, _env, ctx) => ctx.waitUntil(work) },
);

export default { fetch: (request, env, ctx) => pay(request, env, ctx) };
`;

const config = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker", esModule = embed "worker.js")],
    compatibilityDate = "2026-10-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;

beforeAll(async () => {
  await esbuild.build({
    stdin: { contents: worker, resolveDir: join(root, 'test') },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'import'],
    external: ['node:*'],
    outfile: join(folder, 'worker.js'),
    logLevel: 'error',
  });
  writeFileSync(join(folder, 'config.capnp'), config);
  // It writes the port to descriptor 3.
  workerd = spawn(workerdPath, ['serve', '--control-fd=3', 'config.capnp'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const control = workerd.stdio[3];
  if (control === null || control === undefined || !('read' in control))
    throw new Error('workerd has no control pipe.');
  const exited = once(workerd, 'exit').then(() => Promise.reject(new Error('workerd did not start.')));
  const [line] = await Promise.race([once(createInterface(control), 'line'), exited]);
  origin = `http://127.0.0.1:${JSON.parse(line).port}`;
}, 120_000);

afterAll(async () => {
  workerd.kill('SIGKILL');
  await once(workerd, 'close');
  rmSync(folder, { recursive: true, force: true });
});

async function pay(key: string, body: object): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
  return await fetch(origin, { method: 'POST', headers, body: JSON.stringify(body) });
}

const replayed = (response: Response) => response.headers.get('Idempotent-Replayed');

test('A fresh request runs, and its repeat gets the recorded response', async () => {
  const [first, repeat] = [await pay('payment-1', { cents: 10 }), await pay('payment-1', { cents: 10 })];
  expect([first.status, replayed(first), repeat.status, replayed(repeat)]).toEqual([201, null, 201, 'true']);
  const text = await first.text();
  expect(JSON.parse(text)).toMatchObject({ cents: 10, key: 'payment-1' });
  expect(await repeat.text()).toBe(text);
});

test('A key is refused for another payload', async () => {
  await pay('payment-2', { cents: 10 });
  const other = await pay('payment-2', { cents: 11 });
  expect([other.status, await other.json()]).toMatchObject([422, { code: 'key_reused' }]);
});

test('A duplicate that comes while the first request runs is refused, and a later one gets its response', async () => {
  const slow = { cents: 10, slow: true };
  const both = await Promise.all([pay('payment-3', slow), pay('payment-3', slow)]);
  expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  const later = await pay('payment-3', slow);
  expect(replayed(later)).toBe('true');
  expect(await later.text()).toBe(await both.find(({ status }) => status === 201)?.text());
});
