// Storages of keys that fail, and files.
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IdempotentFetch, idempotentFetch, isReplayed, keyStore, localStorageKeys } from '@onceguard/client';
import { fileKeys } from '@onceguard/client/file';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lost, payOrder, stringStorage, webStorage } from './key-testbed.js';
import { openPayments, type PaymentsServer } from './payments-server.js';

const folder = mkdtempSync(join(tmpdir(), 'onceguard-client-'));
let server: PaymentsServer;

beforeEach(async () => {
  server = await openPayments();
});

afterEach(() => server.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const buy = (pay: IdempotentFetch, amount = 20, intent = 'order-1', headers: Record<string, string> = {}) =>
  payOrder(pay, server.url, { amount, intent, headers });

describe('A storage that fails', () => {
  const forbidden = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  };

  test.each([
    ['is forbidden', { getItem: forbidden, setItem: forbidden, removeItem: forbidden }],
    ['is full', { getItem: () => null, setItem: forbidden, removeItem: () => undefined }],
  ])('because it %s: it says so once, and pressing twice is still one charge', async (_why, storage) => {
    const reported: unknown[] = [];
    const keys = localStorageKeys({ storage, onUnavailable: (error) => void reported.push(error) });
    const pay = idempotentFetch({ baseDelayMs: 5, keyStore: keys });
    const answers = await Promise.all([buy(pay), buy(pay)]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect([server.charges.length, reported.length]).toEqual([1, 1]);
    expect(reported[0]).toMatchObject({ name: 'SecurityError' });
  });

  test('when the key is already there: the key that could be read is used', async () => {
    const storage = webStorage();
    const options = { retries: 0, keyStore: localStorageKeys({ storage }) };
    await expect(buy(idempotentFetch({ ...options, fetch: lost }))).rejects.toMatchObject({
      code: 'retries_exhausted',
    });
    const [stored] = [...storage.values.values()].map((value) => JSON.parse(value));
    const keys = localStorageKeys({ storage: { ...storage, setItem: forbidden }, onUnavailable: () => undefined });
    await buy(idempotentFetch({ keyStore: keys }));
    expect(server.charges).toEqual([stored.key]);
  });

  test('for one intent is still asked for the key of another, which it may have', async () => {
    const storage = webStorage();
    const before = { retries: 0, fetch: lost, keyStore: localStorageKeys({ storage }) };
    await expect(buy(idempotentFetch(before), 20, 'order-2')).rejects.toMatchObject({ code: 'retries_exhausted' });
    const [stored] = [...storage.values.values()].map((value) => JSON.parse(value));
    const keys = localStorageKeys({ storage: { ...storage, setItem: forbidden }, onUnavailable: () => undefined });
    const pay = idempotentFetch({ keyStore: keys });
    await buy(pay, 20, 'order-1');
    await buy(pay, 20, 'order-2');
    expect(server.charges[1]).toBe(stored.key);
  });

  test('of your own, before the first send: the call is refused, and nothing is sent', async () => {
    const storage = { ...stringStorage(), get: () => Promise.reject(new Error('no disk')) };
    await expect(buy(idempotentFetch({ keyStore: keyStore(storage) }))).rejects.toMatchObject({
      code: 'key_store_failed',
      message: expect.stringMatching(/no disk.*Repair the store, or leave intent out/s),
    });
    expect(server.received).toEqual([]);
  });

  test('of your own, after the answer: the answer is returned, and onError has the reason', async () => {
    const storage = stringStorage();
    let isBroken = false;
    const set = async (name: string, value: string) => {
      if (isBroken) throw new Error('no disk');
      isBroken = true;
      storage.values.set(name, value);
    };
    const errors: unknown[] = [];
    const keys = keyStore({ ...storage, set }, { onError: (error) => void errors.push(error) });
    expect((await buy(idempotentFetch({ keyStore: keys }))).status).toBe(201);
    expect(errors).toMatchObject([{ message: 'no disk' }]);
  });

  test('by holding something else under the name: the call is refused, and the storage is not called unavailable', async () => {
    const storage = stringStorage();
    storage.values.set('onceguard:order-1', '"of another program"');
    const web = webStorage();
    web.setItem('onceguard:order-1', '{"of": "another program"}');
    const reported: unknown[] = [];
    const keys = localStorageKeys({ storage: web, onUnavailable: (error) => void reported.push(error) });
    for (const store of [keyStore(storage), keys]) {
      await expect(buy(idempotentFetch({ keyStore: store }))).rejects.toMatchObject({ code: 'key_store_failed' });
    }
    expect([server.received, reported]).toEqual([[], []]);
  });
});

describe('Files', () => {
  test('a line that a crash has cut off is ignored', async () => {
    const directory = mkdtempSync(join(folder, 'cut-'));
    await expect(buy(idempotentFetch({ retries: 0, keyStore: fileKeys(directory), fetch: lost }))).rejects.toThrow();
    const [name = ''] = readdirSync(directory);
    writeFileSync(join(directory, name), '{"id":"a","to":"{\\"key', { flag: 'a' });
    await buy(idempotentFetch({ keyStore: fileKeys(directory) }));
    const response = await buy(idempotentFetch({ keyStore: fileKeys(directory) }));
    expect([isReplayed(response), server.charges.length]).toEqual([true, 1]);
  });

  test('are readable by their owner only, and old ones are removed', async () => {
    const directory = join(folder, 'modes');
    const pay = (maxAgeMs?: number) =>
      idempotentFetch({ keyStore: fileKeys(directory, maxAgeMs === undefined ? {} : { maxAgeMs }) });
    await buy(pay(), 20, 'old');
    const [old = ''] = readdirSync(directory);
    expect(statSync(join(directory, old)).mode & 0o777).toBe(0o600);
    utimesSync(join(directory, old), 0, 0);
    await buy(pay(60_000), 20, 'new');
    expect(readdirSync(directory)).not.toContain(old);
  });
});
