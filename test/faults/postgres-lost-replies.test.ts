// The connection to PostgreSQL breaks in the middle of a call, at every verb: before the statement arrived, or before its reply did.
import type { Lease } from '@onceguard/core/store';
import type { PostgresStore } from '@onceguard/postgres';
import type { FaultProxy, ProxyFault } from '@onceguard/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acquireRequest, completionOf, leaseOf } from '../postgres/calls.js';
import type { Testbed } from '../postgres/postgres-testbed.js';
import { PostgresLab } from './postgres-lab.js';

let lab: PostgresLab;
let testbed: Testbed;
let proxy: FaultProxy;
let store: PostgresStore;
let key: string;
let lease: Lease;
let count = 0;

beforeAll(async () => {
  lab = new PostgresLab();
  testbed = await lab.testbed();
  proxy = await lab.proxy(testbed.url);
  // Without names the text of each statement is in its bytes, where the proxy looks for it.
  store = testbed.store({ client: testbed.pool({ connectionString: proxy.url, max: 1 }), prepare: false });
});

afterAll(() => lab.end());

const request = acquireRequest();

beforeEach(async () => {
  count += 1;
  key = `order-${count}`;
  lease = leaseOf(key, request, await store.acquire(key, request));
});

interface VerbCase {
  /** Which bytes of the client are followed by the fault: the statement that writes. */
  readonly writes: RegExp;
  readonly before?: () => Promise<unknown>;
  readonly call: () => Promise<object>;
  /** What a call that was sent again replies, and what is on record then. */
  readonly reply: object;
  readonly record: object;
}

const releaseAsUnknown = () => store.release(lease, { as: 'unknown', retryAfterMs: null, note: 'n' });
const decision = { as: 'not_done', outcome: null, note: null, by: 'ada', reason: 'asked the bank' } as const;

const verbs: Record<string, VerbCase> = {
  acquire: {
    writes: /INSERT INTO/,
    before: () => store.remove(key),
    call: () => store.acquire(key, { ...request, ownerToken: 'again' }),
    reply: { kind: 'acquired' },
    record: { attempt: 1, ownerToken: 'again', state: 'in_progress' },
  },
  renew: {
    writes: /UPDATE/,
    call: () => store.renew(lease, 120_000),
    reply: { kind: 'ok' },
    record: { attempt: 1, leaseMs: 120_000 },
  },
  checkpoint: {
    writes: /INSERT INTO/,
    call: () => store.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('ch_1') }),
    reply: { kind: 'ok' },
    record: { steps: new Map([['charge', { seq: 2, bytes: Buffer.from('ch_1') }]]) },
  },
  complete: {
    writes: /UPDATE/,
    call: () => store.complete(lease, completionOf('paid')),
    reply: { kind: 'ok' },
    record: { state: 'completed', attempt: 1, outcome: Buffer.from('paid') },
  },
  release: {
    writes: /UPDATE/,
    call: releaseAsUnknown,
    reply: { kind: 'ok' },
    record: { state: 'unknown', attempt: 1, note: 'n' },
  },
  resolve: {
    writes: /UPDATE/,
    before: releaseAsUnknown,
    call: () =>
      store.resolve(key, {
        ...decision,
        expectedFencingToken: lease.fencingToken,
        recordTtlMs: null,
        outcomeTtlMs: null,
      }),
    reply: { kind: 'ok' },
    record: { state: 'retryable', decisions: [{ by: 'ada', reason: 'asked the bank' }] },
  },
  remove: {
    writes: /UPDATE/,
    call: () => store.remove(key),
    reply: { now: expect.any(Number) },
    record: { state: 'removed', fencingToken: expect.any(Number) },
  },
};

describe.each<ProxyFault>(['lose_request', 'lose_reply', 'lose_reply_reset'])('%s of PostgreSQL', (fault) => {
  test.each(Object.entries(verbs))(
    'at %s is an error that says "may have been executed", and the call sent again has its effect once',
    async (_verb, { writes, before, call, reply, record }) => {
      await before?.();
      const triggered = proxy.injectFault(fault, writes);
      await expect(call()).rejects.toMatchObject({ class: 'unknown' });
      await triggered;
      expect(await call()).toMatchObject(reply);
      expect((await store.read(key)).record).toMatchObject(record);
    },
  );

  test('at each statement of a payment: it runs once, and its caller gets the result', async () => {
    for (const [at, writes] of [/INSERT INTO/, /UPDATE/].entries()) {
      const payment = `payment-${fault}-${at}`;
      const triggered = proxy.injectFault(fault, writes);
      expect(await lab.pay(store, payment)).toBe('executed');
      await triggered;
      expect([await lab.pay(store, payment), lab.runs(payment)]).toEqual(['replayed', 1]);
    }
  });
});
