// Cases 1 to 5: replies and requests that are lost on the way.
import { type Events, type OperationContext, onEvent } from '@onceguard/core';
import type { RenewReply } from '@onceguard/core/store';
import type { ProxyFault } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, vi } from 'vitest';
import { acquireLease } from '../../packages/testing/src/store-suite/test-helpers.js';
import { redisUrl } from '../support/redis.js';
import type { AuditedPayments } from './audited-payments.js';
import { connectionKinds, test, verbScripts } from './lab.js';

const warnings: Events['warning'][] = [];
afterAll(onEvent('warning', (warning) => warnings.push(warning)));

interface LostReplyRow {
  readonly number: number;
  readonly verb: string;
  readonly claim: string;
  /** `lose` makes the next script fail, and resolves when it did. */
  act(payments: AuditedPayments, lose: () => Promise<void>): Promise<void>;
}

const rows: LostReplyRow[] = [
  {
    number: 1,
    verb: 'acquire',
    claim: 'its caller owns the key, and runs once',
    async act(payments, lose) {
      const lost = lose();
      const isFirst = ({ attempt }: OperationContext) => expect(attempt).toBe(1);
      expect(await payments.pay('order', isFirst)).toBe('paid 1, recorded');
      await lost;
    },
  },
  {
    number: 2,
    verb: 'complete',
    claim: 'its caller gets a recorded result, and it is on record',
    async act(payments, lose) {
      const lost: Promise<void>[] = [];
      expect(await payments.pay('order', () => lost.push(lose()))).toBe('paid 1, recorded');
      await lost[0];
      expect(await payments.pay('order')).toBe('paid 1, replayed');
    },
  },
  {
    number: 3,
    verb: 'release',
    claim: 'the next attempt runs at once',
    async act(payments, lose) {
      const lost: Promise<void>[] = [];
      const losesAndDeclines = () => {
        lost.push(lose());
        throw new Error('declined');
      };
      expect(await payments.pay('order', losesAndDeclines)).toBe('Error: declined');
      await lost[0];
      expect(await payments.pay('order')).toBe('paid 2, recorded');
    },
  },
  {
    number: 3,
    verb: 'renew',
    claim: 'the lease is extended, and not shortened again',
    async act({ store }, lose) {
      const lease = await acquireLease({ store, key: 'order' }, { leaseMs: 30_000 });
      await store.renew(lease, 1);
      const lost = lose();
      const { leaseEndAt } = withLongerLease(await vi.waitFor(() => store.renew(lease, 60_000), 60_000));
      await lost;
      expect(leaseEndAt).toBeGreaterThan(lease.leaseEndAt);
      expect(withLongerLease(await store.renew(lease, 1))).toMatchObject({ leaseEndAt });
    },
  },
];

function withLongerLease(reply: RenewReply) {
  if (reply.kind !== 'ok') throw new Error(`The reply to the renewal was ${reply.kind}.`);
  return reply;
}

const lossFaults: { fault: ProxyFault; what: string }[] = [
  { fault: 'lose_reply', what: 'the reply (FIN)' },
  { fault: 'lose_reply_reset', what: 'the reply (RST)' },
  { fault: 'half_close', what: 'the reply (half-closed)' },
  { fault: 'lose_request', what: 'the request' },
];

describe.concurrent.each(connectionKinds)('over $name', ({ titled, open }) => {
  for (const { fault, what } of lossFaults) {
    for (const { number, verb, claim, act } of rows) {
      const title = titled(fault === 'lose_request' ? 4 : number, `Where ${what} to ${verb} is lost, ${claim}`);
      test(title, async ({ lab }) => {
        lab.maxRunsPerKey = verb === 'release' ? 2 : 1;
        const proxy = await lab.proxy(redisUrl());
        const payments = lab.payments(await open(lab, proxy.url));
        // The server learns the scripts, so that a script whose reply is lost was executed.
        await payments.pay('before');
        await payments.pay('declined before', () => Promise.reject(new Error('declined')));
        await act(payments, () => proxy.injectFault(fault, verbScripts));
      });
    }
  }
});

test('5. The user of a client with default options gets one warning, and the client is not changed', async ({
  lab,
}) => {
  const client = new Redis(redisUrl());
  const before = { ...client.options };
  expect(await lab.payments(lab.storeOnClient(client)).pay('order')).toBe('paid 1, recorded');
  expect(client.options).toEqual(before);
  expect(warnings.filter(({ code }) => code === 'redis_offline_queue')).toHaveLength(1);
});
