// The example on Next: its production build, served as in production.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../packages/source-trees.js';
import { redisUrl } from '../support/redis.js';

const folder = join(root, 'examples/next-payments');
let server: ChildProcess;
let origin = '';

/** Runs Next's program in the folder of the example. */
function next(...args: readonly string[]): ChildProcess {
  const env = {
    ...process.env,
    NEXT_TELEMETRY_DISABLED: '1',
    NODE_ENV: 'production',
    REDIS_URL: redisUrl(),
    PREFIX: `next:${randomUUID()}:`,
  };
  const program = join(folder, 'node_modules/next/dist/bin/next');
  return spawn(process.execPath, [program, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

beforeAll(async () => {
  const build = next('build');
  let output = '';
  build.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  build.stderr?.on('data', (chunk) => {
    output += chunk;
  });
  const [status] = await once(build, 'close');
  expect(status, output).toBe(0);
  server = next('start', '--port', '0', '--hostname', '127.0.0.1');
  origin = await new Promise((resolve, reject) => {
    let started = '';
    server.stdout?.on('data', (chunk) => {
      started += chunk;
      const [, url] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(started) ?? [];
      if (url !== undefined) resolve(url);
    });
    server.once('exit', () => reject(new Error(`Next did not start: ${started}`)));
  });
}, 600_000);

afterAll(() => server?.kill());

async function post(
  path: string,
  key: string,
  body: RequestContent,
  headers: Record<string, string> = {},
): Promise<Response> {
  return await fetch(`${origin}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'Idempotency-Key': key, 'X-User': 'ann', ...headers },
    body,
  });
}

type RequestContent = NonNullable<ConstructorParameters<typeof Response>[0]>;
const json = { 'Content-Type': 'application/json' };

test('A payment is charged once, and its repeat gets the recorded response without the cookie of the first', async () => {
  const pay = async (cents: number) => await post('/payments', 'payment-1', JSON.stringify({ cents }), json);
  const [first, repeat, other] = [await pay(10), await pay(10), await pay(11)];
  expect([first.status, repeat.status, other.status]).toEqual([201, 201, 422]);
  expect(first.headers.getSetCookie()).toEqual([expect.stringMatching(/^last-payment=charge_/)]);
  expect(repeat.headers.getSetCookie()).toEqual([]);
  expect(repeat.headers.get('Idempotent-Replayed')).toBe('true');
  expect(await repeat.text()).toBe(await first.text());
});

test('Of 20 requests at once with one key, one is charged', async () => {
  const sent = Array.from({ length: 20 }, async () => await post('/payments', 'payment-2', '{"cents":10}', json));
  const responses = await Promise.all(sent);
  const paid = await Promise.all(responses.filter(({ status }) => status === 201).map(async (one) => await one.text()));
  expect(paid.length).toBeGreaterThan(0);
  expect(new Set(paid).size).toBe(1);
  expect(responses.every(({ status }) => status === 201 || status === 409)).toBe(true);
});

test('redirect() and notFound() in a form are recorded as the responses that Next makes of them', async () => {
  const check = async (key: string, cart: string) => {
    const form = new FormData();
    form.set('cart', cart);
    form.set('cents', '10');
    return await post('/checkout', key, form);
  };
  const [first, repeat] = [await check('form-1', 'tea'), await check('form-1', 'tea')];
  expect([first.status, repeat.status]).toEqual([307, 307]);
  expect(first.headers.get('Location')).toMatch(/\/receipts\/charge_\d+$/);
  expect(repeat.headers.get('Location')).toBe(first.headers.get('Location'));
  const [missing, again] = [await check('form-2', 'unknown'), await check('form-2', 'unknown')];
  expect([missing.status, again.status, again.headers.get('Idempotent-Replayed')]).toEqual([404, 404, 'true']);
});

test('A request without a user is refused before the wrapped handler, and the keys of two users are apart', async () => {
  const pay = async (user: string) =>
    await post('/payments', 'payment-3', '{"cents":10}', user === '' ? json : { ...json, 'X-User': user });
  const anonymous = await fetch(`${origin}/payments`, {
    method: 'POST',
    headers: { ...json, 'Idempotency-Key': 'k' },
    body: '{}',
  });
  expect(anonymous.status).toBe(401);
  expect(await (await pay('ann')).text()).not.toBe(await (await pay('bob')).text());
});
