// Story S0: a client repeats a command although only its reply was lost, and the command runs twice.
import { randomUUID } from 'node:crypto';
import { executeIdempotently, type IdempotencyStore, StoreError } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import type { RecordedDecision } from '@onceguard/core/store';
import { type FaultProxy, startFaultProxy } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { summarize } from '../engine/execution-summary.js';
import { acquireLease, acquireRequest, completionFor } from '../engine/rival-owner.js';
import { redisUrl } from '../support/redis.js';
import { type OwnedClient, standaloneClients } from './standalone-clients.js';

const point = { step: 'charge', seq: 1, bytes: Buffer.from('x') };
const decision = {
  as: 'done',
  outcome: null,
  outcomeTtlMs: 1,
  note: null,
  by: 'ops',
  reason: 'asked the bank',
} as const;
const inDoubt = { as: 'unknown', retryAfterMs: null, note: null } as const;

/** The calls before, the call whose reply is lost, and its reply. */
interface LostReplyRow {
  readonly verb: string;
  prepare(store: IdempotencyStore, key: string): Promise<(through: IdempotencyStore) => Promise<object>>;
  readonly reply: object;
}

const withLease = (
  act: (through: IdempotencyStore, lease: Awaited<ReturnType<typeof acquireLease>>) => Promise<object>,
) => {
  return async (store: IdempotencyStore, key: string) => {
    const lease = await acquireLease(store, key);
    return (through: IdempotencyStore) => act(through, lease);
  };
};

const rows: LostReplyRow[] = [
  {
    verb: 'acquire',
    prepare: async (store, key) => {
      const request = await acquireRequest(store);
      return (through) => through.acquire(key, request);
    },
    reply: { kind: 'acquired', attempt: 1, takeover: false },
  },
  { verb: 'renew', prepare: withLease((through, lease) => through.renew(lease, 60_000)), reply: { kind: 'ok' } },
  {
    verb: 'checkpoint',
    prepare: withLease((through, lease) => through.checkpoint(lease, point)),
    reply: { kind: 'ok' },
  },
  {
    verb: 'complete',
    prepare: withLease((through, lease) => through.complete(lease, { ...completionFor(lease), outcome: point.bytes })),
    reply: { kind: 'ok' },
  },
  {
    verb: 'release',
    prepare: withLease((through, lease) => through.release(lease, { as: 'retryable' })),
    reply: { kind: 'ok' },
  },
  {
    verb: 'resolve',
    prepare: async (store, key) => {
      const lease = await acquireLease(store, key);
      await store.release(lease, inDoubt);
      return (through) => through.resolve(key, { ...lease, ...decision, expectedFencingToken: lease.fencingToken });
    },
    reply: { kind: 'ok' },
  },
  { verb: 'remove', prepare: withLease((through, { key }) => through.remove(key)), reply: {} },
];

describe.each(standaloneClients)('S0: where a reply is lost and the call is sent again, with $name', ({ make }) => {
  let proxy: FaultProxy;
  let direct: Redis;
  let client: OwnedClient;
  let store: RedisStore;
  let through: RedisStore;

  beforeAll(async () => {
    proxy = await startFaultProxy(redisUrl());
    direct = new Redis(redisUrl());
  });

  beforeEach(async () => {
    client = make(proxy.url);
    await vi.waitUntil(() => client.status === 'ready', 60_000);
    const prefix = `s0:${randomUUID()}:`;
    store = new RedisStore({ client: direct, prefix });
    through = new RedisStore({ client, prefix, callTimeoutMs: 5_000 });
  });

  afterEach(() => client.disconnect());

  afterAll(async () => {
    direct.disconnect();
    await proxy.close();
  });

  it('INCR counts twice: the fault is real', async () => {
    const counter = `s0:${randomUUID()}`;
    const dropped = proxy.injectFault('lose_reply', /incr/i);
    await untilAnswered(() => client.callBuffer('INCR', [counter]));
    await dropped;
    expect(await direct.getdel(counter)).toBe('2');
  });

  it.each(rows)('$verb replies and changes as if it had been sent once', async ({ prepare, reply }) => {
    const [once, twice] = [randomUUID(), randomUUID()];
    expect(await (await prepare(store, once))(store)).toMatchObject(reply);

    const call = await prepare(store, twice);
    const dropped = proxy.injectFault('lose_reply', /evalsha/i);
    expect(await untilAnswered(() => call(through))).toMatchObject(reply);
    await dropped;
    expect(await shapeOf(store, twice)).toEqual(await shapeOf(store, once));
  });

  it('executeIdempotently runs its operation once, whichever of its replies is lost', async () => {
    // The very first call reads the clock; after it the next call is an acquisition.
    await executeIdempotently(() => 'paid', { store: through, scope: 's0', key: 'payment-0' });
    let runs = 0;
    const lost = [proxy.injectFault('lose_reply', /evalsha/i)];
    const operation = () => {
      runs += 1;
      lost.push(proxy.injectFault('lose_reply', /evalsha/i));
      return 'paid';
    };
    const pay = () => summarize(executeIdempotently(operation, { store: through, scope: 's0', key: 'payment-1' }));
    expect(await pay()).toBe('paid, recorded');
    await Promise.all(lost);
    expect(lost).toHaveLength(2);
    expect(await pay()).toBe('paid, replayed');
    expect(runs).toBe(1);
  });

  it('executeIdempotently frees its key once, when the operation throws and the reply to its release is lost', async () => {
    const lost: Promise<void>[] = [];
    const pay = (operation: () => unknown) =>
      executeIdempotently(operation, { store: through, scope: 's0', key: 'payment-1' });
    const declining = pay(() => {
      lost.push(proxy.injectFault('lose_reply', /evalsha/i));
      throw new Error('declined');
    });
    await expect(declining).rejects.toThrow('declined');
    await Promise.all(lost);
    expect(await pay(() => 'paid')).toMatchObject({ kind: 'executed', attempt: 2, recorded: true });
  });
});

/** Repeats a call with the same arguments until there is a reply, as any caller has to. */
async function untilAnswered<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const known = error instanceof StoreError ? error.class : 'unknown';
      expect(known).toMatch(/^(unavailable|unknown)$/);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** A record without the parts that differ in every run: tokens, fencing tokens and times. */
async function shapeOf(store: IdempotencyStore, key: string) {
  const { record } = await store.read(key);
  expect(record).not.toBeNull();
  return Object.fromEntries(
    Object.entries(record ?? {})
      .filter(([name]) => !/[tT]oken$|At$/.test(name))
      .map(([name, value]) => [name, name === 'decisions' ? shapesOf(value) : value]),
  );
}

function shapesOf(decisions: readonly RecordedDecision[]) {
  return decisions.map(({ as, by, reason }) => ({ as, by, reason }));
}
