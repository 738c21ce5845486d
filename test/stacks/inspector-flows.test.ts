// The inspector in a real Chromium: what people do with it, by mouse and by keyboard, and what nobody can do.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { lookup } from '@onceguard/core';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hostile, type InspectorTestbed, openInspector, startWork } from '../inspector/inspector-testbed.js';
import { type InspectorBrowser, openBrowser } from './inspector-browser.js';

let browser: InspectorBrowser;
let testbed: InspectorTestbed;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

beforeEach(async () => {
  testbed = await openInspector({ traceUrl: (id) => `https://traces.example/${id}` });
});
afterEach(async () => {
  await browser.reset();
  await testbed.close();
});

const visit = (route: string, visitor = 'ada') => browser.visit(`${testbed.url}#/${route}`, visitor);

/** Waits until the text is there. */
const sees = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

describe('A record', () => {
  test('is found by scope, key, method and path, and the address of its page has none of them', async () => {
    await testbed.pay('order-17', { amount: 20, order: 'A-17' });
    const page = await visit('find');
    await page.getByRole('textbox', { name: 'Scope' }).fill('alice');
    await page.getByRole('textbox', { name: 'Key' }).fill('order-17');
    await page.getByRole('combobox', { name: 'Method' }).fill('POST');
    await page.getByRole('textbox', { name: 'Path' }).fill('/payments');
    await page.getByRole('button', { name: 'Find the record' }).click();
    await page.getByRole('heading', { name: 'POST /payments' }).waitFor();
    await sees(page, 'Completed');
    await sees(page, 'A-17');
    expect(page.url()).toBe(`${testbed.url}#/record/${testbed.nameOf('order-17')}`);
    expect(browser.seen.requests.filter((url) => url.includes('order-17'))).toEqual([]);
  });

  test('is found with the keyboard alone, by its name as an error response has it', async () => {
    const name = await testbed.leaveDoubt('order-17');
    const page = await visit('now');
    await page.getByRole('link', { name: 'Find' }).press('Enter');
    await page.getByRole('heading', { name: 'Find a record' }).waitFor();
    await page.keyboard.press('Tab');
    for (let key = 0; key < 3; key += 1) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.keyboard.type(`urn:onceguard:record:${name}`);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'POST /payments' }).waitFor();
    await sees(page, 'Outcome unknown');
  });

  test('that is not there is a sentence', async () => {
    const page = await visit('find');
    await page.getByLabel('A record’s name').check();
    await page.getByLabel('Name', { exact: true }).fill('x'.repeat(43));
    await page.getByRole('button', { name: 'Find the record' }).click();
    await sees(page, /^No record\./);
  });

  test('shows its body when somebody asks, and the key at the provider', async () => {
    await testbed.pay('order-17', { amount: 20 });
    const page = await visit(`record/${testbed.nameOf('order-17')}`);
    await sees(page, 'Created');
    expect(await page.content()).not.toContain('secret-cookie');
    await page.getByRole('button', { name: /Show the body/ }).click();
    await sees(page, '"paid": 20');
    await page.getByLabel('Name given to deriveKey()').fill('charge');
    await page.getByRole('button', { name: 'Show the key' }).click();
    await sees(page, /^[0-9a-f]{8}-[0-9a-f]{4}-5/);
  });
});

describe('A doubt', () => {
  test('is decided by mouse, with an answer that every repeat gets', async () => {
    const name = await testbed.leaveDoubt('order-17');
    const page = await visit('doubts');
    await sees(page, 'order order-17');
    await page.getByRole('button', { name: 'It happened …' }).click();
    await page.getByLabel('How do you know?').fill('charge ch_1 is in the dashboard');
    await page.getByRole('combobox', { name: 'Answer for repeats' }).selectOption('response');
    await page.getByLabel('Body').fill('{"paid":50}');
    await page.getByRole('button', { name: 'Decide: it happened' }).click();
    await sees(page, 'Decided: it happened. Every repeat gets your answer.');
    await sees(page, 'Nothing to decide');
    const repeat = await testbed.pay('order-17', { amount: 50, order: 'order order-17', loses: true });
    expect([repeat.status, await repeat.text()]).toEqual([201, '{"paid":50}']);
    expect(await lookup(testbed.store, name)).toMatchObject({
      decisions: [{ by: 'ada', reason: 'charge ch_1 is in the dashboard', as: 'done' }],
    });
  });

  test('is decided with the keyboard alone, and the next repeat runs', async () => {
    const name = await testbed.leaveDoubt('order-17');
    const page = await visit(`record/${name}`);
    await page.getByRole('button', { name: 'It did not …' }).press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Tab');
    await page.getByLabel('How do you know?').focus();
    await page.keyboard.type('no charge with this key');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await sees(page, 'Free to retry');
    await sees(page, /no charge with this key/);
    expect(await lookup(testbed.store, name)).toMatchObject({ state: 'retryable', decisions: [{ as: 'not_done' }] });
  });

  test('needs a reason', async () => {
    const name = await testbed.leaveDoubt('order-17');
    const page = await visit(`record/${name}`);
    await page.getByRole('button', { name: 'It did not …' }).click();
    await page.getByRole('button', { name: 'Decide: it did not happen' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await page.getByLabel('How do you know?').evaluate((field) => field.matches(':invalid'))).toBe(true);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await lookup(testbed.store, name)).toMatchObject({ state: 'outcome_unknown' });
  });

  test('that two people decide at once is decided by one; the other sees who, when and why', async () => {
    const name = await testbed.leaveDoubt('order-17');
    const [ada, ben] = await Promise.all([visit(`record/${name}`, 'ada'), visit(`record/${name}`, 'ben')]);
    for (const [page, reason] of [
      [ada, 'seen in the dashboard'],
      [ben, 'the bank says so'],
    ] as const) {
      await page.getByRole('button', { name: 'It happened …' }).click();
      await page.getByLabel('How do you know?').fill(reason);
    }
    await ada.getByRole('button', { name: 'Decide: it happened' }).click();
    await ada.getByRole('dialog').waitFor({ state: 'detached' });
    await ben.getByRole('button', { name: 'Decide: it happened' }).click();
    await sees(
      ben,
      /^ada was first, at .* and decided that it happened: “seen in the dashboard”\. Your decision was not recorded\.$/,
    );
    await ben.getByRole('button', { name: 'Close' }).click();
    await sees(ben, 'Done, outcome not kept');
    expect((await lookup(testbed.store, name))?.decisions).toMatchObject([{ by: 'ada' }]);
  });
});

test('Hostile labels, headers, bodies and steps are shown as text, and nothing of them runs', async () => {
  await testbed.pay('order-17', { amount: 20, order: hostile.slice(0, 90) });
  await testbed.leaveDoubt('"<img src=x onerror=alert(1)>"');
  const page = await visit(`record/${testbed.nameOf('order-17')}`);
  await page.getByRole('button', { name: /Show the body/ }).click();
  await sees(page, '"paid": 20');
  expect(await page.getByRole('main').textContent()).toContain('<script>');
  await page.goto(`${testbed.url}#/record/${testbed.nameOf('<img src=x onerror=alert(1)>')}`);
  await page.getByRole('button', { name: /Show the results/ }).click();
  await sees(page, '"seat": "A7"');
  expect(await page.title()).not.toContain('hacked');
  expect(await page.locator('main img, main script').count()).toBe(0);
  expect(browser.seen.errors).toEqual([]);
});

test('Now shows what this process does, while it does it', async () => {
  const endWork = await startWork(testbed.store);
  const page = await visit('now');
  await page.getByRole('link', { name: 'nightly-settlement' }).waitFor();
  await sees(page, /lease for/);
  await testbed.pay('order-17', { amount: 20 });
  await testbed.pay('order-17', { amount: 20 });
  await endWork();
  await page.getByRole('row', { name: 'POST /payments 1 1 0 0 0' }).waitFor();
  await sees(page, 'Nothing is at work in this process.');
});

test('No view requests anything from anywhere else, and none has a script error', async () => {
  const name = await testbed.leaveDoubt('order-17');
  for (const route of ['now', 'find', 'doubts', `record/${name}`]) {
    const page = await visit(route);
    await page.getByRole('heading', { level: 1 }).waitFor();
  }
  const elsewhere = browser.seen.requests.filter((url) => !url.startsWith(testbed.url) && !url.startsWith('data:'));
  expect([elsewhere, browser.seen.errors]).toEqual([[], []]);
});

test('Nobody gets in without authorize', async () => {
  const page = await browser.visit(testbed.url, '');
  expect(await page.getByText('You may not use the inspector').count()).toBe(1);
  expect(await page.locator('script').count()).toBe(0);
});

test('Who may only look is offered no decision', async () => {
  const readOnly = await openInspector({ readOnly: true });
  await readOnly.leaveDoubt('order-17');
  const page = await browser.visit(`${readOnly.url}#/doubts`, 'ada');
  await sees(page, 'order order-17');
  await sees(page, 'Read only');
  expect(await page.getByRole('button', { name: /It (happened|did not)/ }).count()).toBe(0);
  await page.context().close();
  await readOnly.close();
});

test('Another site cannot make a visitor decide: by fetch, by a form, or in a frame', async () => {
  // Nothing but the check of where a call comes from stands between the other site and the decision.
  const open = await openInspector({ authorize: () => 'ada' });
  const name = await open.leaveDoubt('order-17');
  const fencingToken = (await lookup(open.store, name))?.fencingToken;
  const decision = JSON.stringify({ recordName: name, as: 'not_done', reason: 'forged', fencingToken });
  const site = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>Another site</title>');
  }).listen(0, 'localhost');
  await once(site, 'listening');
  const page = await browser.visit(`http://localhost:${(site.address() as AddressInfo).port}/`, 'mallory');
  const attack = { url: `${open.url}api/decide`, inspector: open.url, decision };
  const results = await page.evaluate(async ({ url, inspector, decision: body }) => {
    const json = { 'content-type': 'application/json', 'x-onceguard-inspector': '1' };
    const send = (init: RequestInit) =>
      fetch(url, { method: 'POST', body, credentials: 'include', ...init }).then(
        ({ status }) => `answered ${status}`,
        () => 'blocked',
      );
    const frame = document.body.appendChild(document.createElement('iframe'));
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
    frame.src = inspector;
    await loaded;
    const framed = frame.contentDocument === null ? 'closed' : 'open';
    return [await send({ headers: json }), await send({ mode: 'no-cors' }), framed];
  }, attack);
  expect(results).toEqual(['blocked', 'blocked', 'closed']);
  await page.evaluate(({ url, decision: body }) => {
    const form = document.body.appendChild(document.createElement('form'));
    Object.assign(form, { action: url, method: 'post', enctype: 'text/plain' });
    const field = form.appendChild(document.createElement('input'));
    [field.name, field.value] = [body.slice(0, -1), '}'];
    form.submit();
  }, attack);
  await sees(page, /Only the page of the inspector itself can make this call/);
  site.close();
  expect(await lookup(open.store, name)).toMatchObject({ state: 'outcome_unknown', decisions: [] });
  await page.context().close();
  await open.close();
});
