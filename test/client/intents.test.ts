// Keys that outlive the page or the process: reloads, several callers at once, answers that do and do not free them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type IdempotentFetch,
  type IdempotentFetchOptions,
  idempotentFetch,
  isReplayed,
  type KeyStore,
  keyStore,
  localStorageKeys,
} from '@onceguard/client';
import { fileKeys } from '@onceguard/client/file';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lost, payOrder, stringStorage, webStorage } from './key-testbed.js';
import { openPayments, type PaymentsServer, serveAnswers } from './payments-server.js';

const folder = mkdtempSync(join(tmpdir(), 'onceguard-client-'));
let server: PaymentsServer;

beforeEach(async () => {
  server = await openPayments();
});

afterEach(() => server.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Each opens the same keys again, as a page does after a reload. */
const stores: [name: string, open: () => () => KeyStore][] = [
  [
    'a storage of your own',
    () => {
      const storage = stringStorage();
      return () => keyStore(storage);
    },
  ],
  [
    'localStorage',
    () => {
      const storage = webStorage();
      return () => localStorageKeys({ storage });
    },
  ],
  [
    'files',
    () => {
      const directory = mkdtempSync(join(folder, 'keys-'));
      return () => fileKeys(directory);
    },
  ],
];

const buy = (pay: IdempotentFetch, amount = 20, intent = 'order-1', headers: Record<string, string> = {}) =>
  payOrder(pay, server.url, { amount, intent, headers });

describe.each(stores)('With %s', (_name, create) => {
  let open: () => KeyStore;
  const client = (options: IdempotentFetchOptions = {}) =>
    idempotentFetch({ baseDelayMs: 5, keyStore: open(), ...options });

  beforeEach(() => {
    open = create();
  });

  test('a call after a reload sends the key of the call before, which got no answer', async () => {
    const deliver: typeof fetch = async (...args) => {
      await fetch(...args);
      throw new TypeError('the answer is lost');
    };
    await expect(buy(client({ retries: 0, fetch: deliver }))).rejects.toMatchObject({ code: 'retries_exhausted' });
    const response = await buy(client());
    expect([response.status, isReplayed(response), server.charges.length]).toEqual([201, true, 1]);
  });

  test('the same request gets the same answer again after it is done, from another tab too', async () => {
    const answers = [await buy(client()), await buy(client()), await buy(client())];
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect([new Set(bodies).size, server.charges.length]).toEqual([1, 1]);
  });

  test('callers that begin at the same moment have one key', async () => {
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => buy(client())));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
    expect([server.charges.length, new Set(server.received).size]).toEqual([1, 1]);
  });

  test('another request is refused before it is sent while the first is open, and is a new intention when that is done', async () => {
    await expect(buy(client({ retries: 0, fetch: lost }), 20)).rejects.toMatchObject({ code: 'retries_exhausted' });
    await expect(buy(client(), 21)).rejects.toMatchObject({
      code: 'intent_changed',
      message: expect.stringContaining("forget('order-1')"),
      key: expect.any(String),
    });
    expect(server.received).toEqual([]);
    expect((await buy(client(), 20)).status).toBe(201);
    expect((await buy(client(), 21)).status).toBe(201);
    expect(new Set(server.charges).size).toBe(2);
  });

  test('forget makes the next call a new intention', async () => {
    await buy(client());
    await client().forget('order-1');
    await buy(client());
    expect(new Set(server.charges).size).toBe(2);
  });

  test.each([402, 400])(
    'after an answer of %d, by which nothing took effect, the customer may change the request',
    async (status) => {
      expect((await buy(client(), status)).status).toBe(status);
      expect((await buy(client(), 20)).status).toBe(201);
      expect(new Set(server.received).size).toBe(2);
    },
  );

  test('after a refusal that says nothing about an earlier send, the key stays', async () => {
    const deliver: typeof fetch = async (...args) => {
      await fetch(...args);
      throw new TypeError('the answer is lost');
    };
    await expect(buy(client({ retries: 0, fetch: deliver }))).rejects.toMatchObject({ code: 'retries_exhausted' });
    server.requireToken('Bearer new');
    expect((await buy(client())).status).toBe(401);
    const response = await buy(client(), 20, 'order-1', { authorization: 'Bearer new' });
    expect([response.status, isReplayed(response), server.charges.length]).toEqual([201, true, 1]);
  });

  test('a refusal of a key that another tab has used too leaves the key', async () => {
    server.requireToken('Bearer new');
    const first = client({
      onUnauthorized: async () => {
        await buy(client({ retries: 0, fetch: lost })).catch(() => undefined);
        return false;
      },
    });
    expect((await buy(first)).status).toBe(401);
    server.requireToken('');
    await buy(client());
    expect(new Set(server.received).size).toBe(1);
  });

  test('an outcome that nobody knows keeps the key: a repeat does not run it again', async () => {
    const call = () => buy(client({ retries: 1 }), 500);
    await expect(call()).rejects.toMatchObject({
      code: 'outcome_unknown',
      customerMessage: expect.stringContaining('do not try again'),
    });
    await expect(call()).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect(new Set(server.received).size).toBe(1);
  });
});

describe('A key that is older than the server remembers', () => {
  test('is not sent while its outcome is open: the error says what to do', async () => {
    const storage = stringStorage();
    const client = (keyLifetimeMs: number, options = {}) =>
      idempotentFetch({ retries: 0, keyStore: keyStore(storage, { keyLifetimeMs }), ...options });
    await expect(buy(client(60_000, { fetch: lost }))).rejects.toMatchObject({ code: 'retries_exhausted' });
    backdate(storage, 120_000);
    await expect(buy(client(60_000))).rejects.toMatchObject({
      code: 'outcome_unknown',
      message: expect.stringContaining('keyLifetimeMs'),
    });
    expect(server.received).toEqual([]);
  });

  test('is replaced when it is done', async () => {
    const storage = stringStorage();
    const client = () => idempotentFetch({ keyStore: keyStore(storage, { keyLifetimeMs: 60_000 }) });
    await buy(client());
    backdate(storage, 120_000);
    await buy(client());
    expect(new Set(server.charges).size).toBe(2);
  });

  test('does not become younger by repeats, which do not make the server remember it for longer', async () => {
    const storage = stringStorage();
    const client = () => idempotentFetch({ keyStore: keyStore(storage, { keyLifetimeMs: 60_000 }) });
    await buy(client());
    for (let repeat = 0; repeat < 2; repeat += 1) {
      backdate(storage, 40_000);
      await buy(client());
    }
    expect(new Set(server.charges).size).toBe(2);
  });

  function backdate({ values }: { values: Map<string, string> }, ms: number): void {
    for (const [name, value] of values) {
      const stored = JSON.parse(value);
      values.set(name, JSON.stringify({ ...stored, at: stored.at - ms }));
    }
  }
});

describe('The request of an intent', () => {
  const changes: [string, RequestInit, RequestInit][] = [
    ['method', { method: 'POST' }, { method: 'PUT' }],
    ['body', { body: '{"amount":20}' }, { body: '{"amount":21}' }],
    ['URL parameters', { body: new URLSearchParams({ a: '1' }) }, { body: new URLSearchParams({ a: '2' }) }],
    ['bytes', { body: new Uint8Array([1, 2]) }, { body: new Uint8Array([1, 3]) }],
    ['a field of a form', { body: form('1', 'x') }, { body: form('2', 'x') }],
    ['a file of a form', { body: form('1', 'x') }, { body: form('1', 'y') }],
  ];

  test.each(changes)('differs by its %s', async (_what, one, other) => {
    const storage = stringStorage();
    const send = (init: RequestInit, options: IdempotentFetchOptions = {}) =>
      idempotentFetch({ retries: 0, keyStore: keyStore(storage), ...options })(server.url, {
        method: 'POST',
        ...init,
        intent: 'a',
      });
    await expect(send(one, { fetch: lost })).rejects.toMatchObject({ code: 'retries_exhausted' });
    await expect(send(one, { fetch: lost })).rejects.toMatchObject({ code: 'retries_exhausted' });
    await expect(send(other)).rejects.toMatchObject({ code: 'intent_changed' });
  });

  function form(field: string, file: string): FormData {
    const data = new FormData();
    data.append('field', field);
    data.append('file', new Blob([file]), 'a.txt');
    return data;
  }
});

test('An answer that is neither of the work nor a final one keeps the key: 409 and 501', async () => {
  for (const status of [409, 501]) {
    const { url, keys, close } = await serveAnswers([{ status }]);
    const storage = stringStorage();
    const send = () => idempotentFetch({ keyStore: keyStore(storage) })(url, { method: 'POST', intent: 'a' });
    await send();
    await send();
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
    await close();
  }
});
