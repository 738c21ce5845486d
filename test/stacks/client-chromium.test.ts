// @onceguard/client in a real Chromium: networks that lose and cut, reloads, two tabs at once, storage that is full or forbidden.
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeCertificate } from '../client/certificate.js';
import { openPayments, type PaymentsServer } from '../client/payments-server.js';
import { scriptOf } from '../client/random-scripts.js';
import { type ScriptedFault, type ScriptedProxy, startScriptedProxy } from '../client/scripted-proxy.js';
import { root } from '../packages/source-trees.js';
import { startChromium } from '../support/chromium.js';

let browser: Browser;
let script: Uint8Array;
const certificate = makeCertificate();
let context: BrowserContext;
let server: PaymentsServer;
const proxies: ScriptedProxy[] = [];

beforeAll(async () => {
  browser = await startChromium();
  const { outputFiles } = await esbuild.build({
    stdin: { contents: "export * from '@onceguard/client'", resolveDir: join(root, 'test') },
    bundle: true,
    format: 'iife',
    globalName: 'onceguard',
    write: false,
  });
  script = outputFiles[0]?.contents ?? expect.unreachable();
}, 120_000);

afterAll(() => browser.close());

beforeEach(async () => {
  server = await openPayments({ script });
  context = await browser.newContext({ ignoreHTTPSErrors: true });
});

afterEach(async () => {
  await context.close();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  await server.close();
});

/** A tab whose POST requests meet the faults. It uses HTTPS, because over plain HTTP Chromium takes a head that is cut off for a whole one. */
async function openTab(faults: readonly ScriptedFault[] = []): Promise<Page> {
  const proxy = await startScriptedProxy(server.port, faults, certificate);
  proxies.push(proxy);
  const page = await context.newPage();
  await page.goto(`https://127.0.0.1:${proxy.port}/`);
  return page;
}

interface Payment {
  readonly key?: string;
  readonly intent?: string;
  readonly store?: 'indexedDbKeys' | 'localStorageKeys';
  readonly options?: object;
}

/** Pays in the page. Resolves with the status and the charge, or the code of the error. */
async function pay(page: Page, payment: Payment = {}): Promise<string> {
  return await page.evaluate(async ({ key, intent, store, options }: Payment) => {
    const { idempotentFetch, ...stores } = Reflect.get(globalThis, 'onceguard');
    const limits = {
      baseDelayMs: 5,
      tryTimeoutMs: 2_000,
      ...(store === undefined ? {} : { keyStore: stores[store]() }),
    };
    const send = idempotentFetch({ ...limits, ...options });
    const headers = { 'Content-Type': 'application/json' };
    const named = intent === undefined ? { idempotencyKey: key } : { intent };
    try {
      const response = await send('/payments', { method: 'POST', headers, body: '{"amount":20}', ...named });
      const { charge } = await response.json();
      return `${response.status} ${charge}`;
    } catch (error) {
      return String(Reflect.get(Object(error), 'code') ?? error);
    }
  }, payment);
}

describe('In Chromium a payment is charged once, and the page ends with the answer', () => {
  test.each<[string, ScriptedFault]>([
    ['the request is lost', { kind: 'lose_request' }],
    ['the answer is lost', { kind: 'lose_answer' }],
    ['no answer comes in time', { kind: 'silence' }],
    ['the answer is cut inside its head', { kind: 'cut', bytes: 30 }],
    ['the answer is cut inside its body', { kind: 'cut', bytes: 1_500 }],
  ])('when %s', async (_what, fault) => {
    const page = await openTab([fault]);
    expect(await pay(page)).toBe('201 1');
    expect(server.charges).toHaveLength(1);
  });

  test('over plain HTTP a head that is cut off looks like a whole one without a body: that is why docs/client.md wants HTTPS', async () => {
    const proxy = await startScriptedProxy(server.port, [{ kind: 'cut', bytes: 30 }]);
    proxies.push(proxy);
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${proxy.port}/`);
    expect(await pay(page)).toContain('Unexpected end of JSON input');
    expect(server.charges).toHaveLength(1);
  });

  test('when the server is down at first, and is started again', async () => {
    const { port } = server;
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    await server.close();
    const refused = page.waitForEvent('requestfailed');
    const paid = pay(page, { options: { retries: 100, maxDelayMs: 100 } });
    await refused;
    server = await openPayments({ port, script });
    expect(await paid).toBe('201 1');
    expect(server.charges).toHaveLength(1);
  });

  const seeds = Array.from({ length: 15 }, (_, index) => Number(process.env.CLIENT_SEED ?? 1) + index);

  test.each(seeds)('by the random faults of seed %d, with at most one more call under the same key', async (seed) => {
    const faults = scriptOf(seed);
    const page = await openTab(faults);
    const key = `seed-${seed}`;
    const outcomes = [await pay(page, { key, options: { retries: 3 } })];
    if (outcomes[0] !== '201 1') outcomes.push(await pay(page, { key }));
    const what = `seed ${seed}: ${JSON.stringify(faults)} ${outcomes}`;
    expect(outcomes.at(-1), what).toBe('201 1');
    expect(outcomes.slice(0, -1), what).toEqual(outcomes.length === 1 ? [] : ['retries_exhausted']);
    expect(server.charges, what).toEqual([key]);
  });
});

describe.each(['indexedDbKeys', 'localStorageKeys'] as const)('With %s', (store) => {
  test('a reload between send and answer sends the same key: one charge, and the page gets the answer', async () => {
    const { waiting, release } = server.holdCharges();
    const page = await openTab();
    const abandoned = pay(page, { store, intent: 'order-1', options: { tryTimeoutMs: 30_000 } }).catch(
      () => 'reloaded',
    );
    await waiting;
    await page.reload();
    expect(await abandoned).toBe('reloaded');
    release();
    expect(await pay(page, { store, intent: 'order-1' })).toBe('201 1');
    expect([server.charges.length, new Set(server.received).size]).toEqual([1, 1]);
  });

  test('pressing twice is one charge', async () => {
    const page = await openTab();
    const both = await Promise.all([1, 2].map(() => pay(page, { store, intent: 'order-1' })));
    expect(both).toEqual(['201 1', '201 1']);
  });

  test('a full storage is said once, and pressing twice is still one charge', async () => {
    const page = await openTab();
    const warnings: string[] = [];
    page.on('console', (message) => message.type() === 'warning' && warnings.push(message.text()));
    await page.evaluate(() => {
      for (let size = 1_000_000; size >= 1; size = Math.floor(size / 2)) {
        try {
          for (;;) localStorage.setItem(`filler-${size}-${Math.random()}`, 'x'.repeat(size));
        } catch {
          // As full as it can be with pieces of this size.
        }
      }
    });
    const outcomes = await page.evaluate(async (name) => {
      const { idempotentFetch, ...stores } = Reflect.get(globalThis, 'onceguard');
      const send = idempotentFetch({ baseDelayMs: 5, keyStore: stores[name]() });
      const headers = { 'Content-Type': 'application/json' };
      const press = () => send('/payments', { method: 'POST', headers, body: '{"amount":20}', intent: 'order-1' });
      const answers: Response[] = await Promise.all([press(), press()]);
      return answers.map(({ status }) => status);
    }, store);
    expect([outcomes, server.charges.length]).toEqual([[201, 201], 1]);
    // The quota of IndexedDB is another, and much of the disk.
    expect(warnings.filter((text) => text.includes('will not outlive'))).toHaveLength(
      store === 'localStorageKeys' ? 1 : 0,
    );
  });

  test('a forbidden storage is said once, and the payment is made, also from another origin', async () => {
    const page = await openTab();
    const warnings: string[] = [];
    page.on('console', (message) => message.type() === 'warning' && warnings.push(message.text()));
    await page.setContent(`<iframe sandbox="allow-scripts" src="${page.url()}"></iframe>`);
    const frame = page.frames()[1] ?? expect.unreachable();
    await frame.waitForFunction('globalThis.onceguard');
    const outcome = await frame.evaluate(async (name) => {
      const { idempotentFetch, isReplayed, ...stores } = Reflect.get(globalThis, 'onceguard');
      const send = idempotentFetch({ baseDelayMs: 5, keyStore: stores[name]() });
      const headers = { 'Content-Type': 'application/json' };
      const press = () => send('/payments', { method: 'POST', headers, body: '{"amount":20}', intent: 'order-1' });
      const answers = [await press(), await press()];
      return answers.map((answer) => [answer.status, isReplayed(answer)]);
    }, store);
    expect(outcome).toEqual([
      [201, false],
      [201, true],
    ]);
    expect(warnings.filter((text) => text.includes('will not outlive'))).toHaveLength(1);
  });
});

test('With indexedDbKeys, two tabs that begin at the same moment have one key, twenty times', async () => {
  const tabs = await Promise.all([openTab(), context.newPage()]);
  await tabs[1].goto(tabs[0].url());
  for (let order = 1; order <= 20; order += 1) {
    const intent = `order-${order}`;
    const outcomes = await Promise.all(tabs.map((page) => pay(page, { store: 'indexedDbKeys', intent })));
    expect(outcomes).toEqual([`201 ${order}`, `201 ${order}`]);
  }
  expect([server.charges.length, new Set(server.received).size]).toEqual([20, 20]);
});
