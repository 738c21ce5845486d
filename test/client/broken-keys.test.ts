// docs/client.md, five ways to break a key: each fails as it says, and is mended as it says.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isReplayed } from '@onceguard/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fencedBlocks } from '../packages/markdown.js';
import { readRepositoryFile } from '../packages/source-trees.js';
import * as keys from './broken-keys.js';
import { openPayments, type PaymentsServer } from './payments-server.js';
import { type ScriptedProxy, startScriptedProxy } from './scripted-proxy.js';

let server: PaymentsServer;
let proxy: ScriptedProxy;
/** The answer to the first payment is lost on its way. */
let lossy: string;

beforeEach(async () => {
  server = await openPayments();
  proxy = await startScriptedProxy(server.port, [{ kind: 'lose_answer' }]);
  lossy = `http://127.0.0.1:${proxy.port}/payments`;
});

afterEach(async () => {
  await proxy.close();
  await server.close();
});

const order = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"amount":20}' };

describe('A key made inside the retry loop', () => {
  test('charges twice when an answer is lost', async () => {
    await keys.payInLoop(lossy, order.body);
    expect(server.charges).toHaveLength(2);
  });

  test('is mended by one key for each call', async () => {
    await keys.payOnce(lossy, order);
    expect(server.charges).toHaveLength(1);
  });
});

describe('A key made in an interceptor', () => {
  test('charges twice when axios-retry sends again', async () => {
    await keys.brokenApi.post(lossy, { amount: 20 });
    expect(server.charges).toHaveLength(2);
  });

  test('is mended by one that leaves the key as it is', async () => {
    await keys.api.post(lossy, { amount: 20 });
    expect(server.charges).toHaveLength(1);
  });
});

describe('A key that is lost with the page or the process', () => {
  test('charges twice when the customer tries again', async () => {
    for (let process = 0; process < 2; process += 1) await keys.payFromMemory(server.url, 'order-1', order.body);
    expect(server.charges).toHaveLength(2);
  });

  test('is mended by a key store', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'onceguard-broken-'));
    for (let process = 0; process < 2; process += 1) await keys.payFromStore(server.url, 'order-1', order.body, folder);
    expect(server.charges).toHaveLength(1);
    rmSync(folder, { recursive: true });
  });
});

describe('A payload that changes between two sends', () => {
  test('is refused under the same key', async () => {
    await keys.payWithTime(server.url, 'order-1', 20);
    await expect(keys.payWithTime(server.url, 'order-1', 20)).rejects.toMatchObject({ code: 'key_reused' });
  });

  test('is mended by a payload that belongs to the order', async () => {
    const made = { id: 'order-1', amount: 20, madeAt: new Date() };
    await keys.payWithOrder(server.url, made);
    expect(isReplayed(await keys.payWithOrder(server.url, made))).toBe(true);
    expect(server.charges).toHaveLength(1);
  });
});

describe('A key made of the content', () => {
  test('does not charge the second order of the same kind', async () => {
    await keys.payForCart(server.url, 'alice', 20);
    await keys.payForCart(server.url, 'alice', 20);
    expect(server.charges).toHaveLength(1);
  });

  test('is mended by the id of the order', async () => {
    await keys.payForOrder(server.url, '1', 20);
    await keys.payForOrder(server.url, '2', 20);
    expect(server.charges).toHaveLength(2);
  });
});

test('docs/client.md shows each of them as it is', () => {
  const source = readRepositoryFile('test/client/broken-keys.ts');
  const regions = [...source.matchAll(/^\/\/ #region .*\n([\s\S]*?)^\/\/ #endregion/gm)].map(([, code = '']) =>
    code.replaceAll('export ', '').trim(),
  );
  expect(regions).toHaveLength(10);
  const shown = fencedBlocks('docs/client.md', 'ts').map((block) => block.trim());
  expect(shown).toEqual(expect.arrayContaining(regions));
});
