// The example of a checkout page, in a real Chromium: whatever a shopper does to it, the order is charged once.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ReservedPort, reservePort } from '../../packages/testing/src/servers/reserved-port.js';
import { listeningPort, startProgram } from '../examples/run-program.js';
import { startChromium } from '../support/chromium.js';

let browser: Browser;
let context: BrowserContext;
let shop: ChildProcess;
let reserved: ReservedPort;
let data = '';

beforeAll(async () => {
  browser = await startChromium();
}, 120_000);

afterAll(() => browser.close());

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'onceguard-checkout-'));
  // The shop is down for a while in some tests.
  reserved = await reservePort();
  await startShop();
  context = await browser.newContext();
});

afterEach(async () => {
  await context.close();
  await stopShop();
  reserved.release();
  rmSync(data, { recursive: true, force: true });
});

async function startShop(): Promise<void> {
  const env = { PORT: String(reserved.port), CHECKOUT_DATA: data, SHOP_ORIGIN: `http://localhost:${reserved.port}` };
  shop = startProgram('checkout/server.ts', [], env);
  await listeningPort(shop);
}

async function stopShop(): Promise<void> {
  if (shop.exitCode !== null || shop.signalCode !== null) return;
  shop.kill('SIGKILL');
  await once(shop, 'exit');
}

async function openOrder(query = '?order=1'): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`http://localhost:${reserved.port}/${query}`);
  return page;
}

/** What the provider has charged, as the page shows it. */
async function chargesAfterPayment(page: Page): Promise<string> {
  await page.getByRole('status').filter({ hasText: 'Paid: ch_1.' }).waitFor({ timeout: 60_000 });
  const response = await fetch(`http://127.0.0.1:${reserved.port}/charges?order=1`);
  return String(((await response.json()) as unknown[]).length);
}

const press = (page: Page) => page.getByRole('button', { name: 'Pay 20' }).click();

async function make(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name }).click();
  await page.getByRole('status').filter({ hasText: 'ready' }).waitFor();
}

const requestOf = (page: Page) => page.waitForRequest((request) => request.url().endsWith('/payments'));

test('An order that is paid is charged once, also by a press after that', async () => {
  const page = await openOrder();
  await press(page);
  expect(await chargesAfterPayment(page)).toBe('1');
  await press(page);
  await page.getByRole('status').filter({ hasText: 'was not charged again' }).waitFor();
  expect(await page.locator('#charges').textContent()).toBe('1');
});

test('A lost answer: the page tries again and ends with the answer', async () => {
  const page = await openOrder();
  await make(page, 'Lose the answer');
  await press(page);
  expect(await chargesAfterPayment(page)).toBe('1');
});

test('A reload in the middle of a payment: the page goes on by itself', async () => {
  const page = await openOrder();
  await make(page, 'five seconds, then reload');
  const sent = requestOf(page);
  await press(page);
  await sent;
  await page.reload();
  expect(await chargesAfterPayment(page)).toBe('1');
});

test('Two presses and a second tab at the same time', async () => {
  const page = await openOrder();
  const opened = context.waitForEvent('page');
  await page.getByRole('link', { name: 'second tab' }).click();
  const tab = await opened;
  await Promise.all([press(page), press(page), press(tab)]);
  expect([await chargesAfterPayment(page), await chargesAfterPayment(tab)]).toEqual(['1', '1']);
});

test('A lost connection: offline while the shopper pays, and online again', async () => {
  const page = await openOrder();
  await context.setOffline(true);
  await press(page);
  await page.getByRole('status').filter({ hasText: 'Trying again' }).waitFor();
  await context.setOffline(false);
  expect(await chargesAfterPayment(page)).toBe('1');
});

test('A server that is down for a while', async () => {
  const page = await openOrder();
  await page.getByRole('button', { name: 'Take the server down' }).click();
  const refused = page.waitForEvent('requestfailed');
  await press(page);
  await refused;
  expect(await chargesAfterPayment(page)).toBe('1');
});

test('A server that is killed in the middle of a payment and started again', async () => {
  const page = await openOrder();
  await make(page, 'five seconds, then reload');
  const sent = requestOf(page);
  await press(page);
  await sent;
  await stopShop();
  await startShop();
  expect(await chargesAfterPayment(page)).toBe('1');
});

test('A declined card is said, and another card may be used for the same order', async () => {
  const page = await openOrder();
  await page.getByLabel('Card').selectOption('declined');
  await press(page);
  await page.getByRole('status').filter({ hasText: 'Nothing was charged' }).waitFor();
  await page.getByLabel('Card').selectOption('good');
  await press(page);
  expect(await chargesAfterPayment(page)).toBe('1');
});

test('A page of another origin pays, and can read that an answer is a replay: the headers are allowed and exposed', async () => {
  const page = await openOrder(`?order=1&api=http://127.0.0.1:${reserved.port}`);
  await press(page);
  expect(await chargesAfterPayment(page)).toBe('1');
  await press(page);
  await page.getByRole('status').filter({ hasText: 'was not charged again' }).waitFor();
});
