// Runs the programs of the documents whose handlers take a Request and return a Response.
import { randomUUID } from 'node:crypto';
import type { IdempotencyStore } from '@onceguard/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';

const open: IdempotencyStore[] = [];
let calls: readonly { readonly system: string }[];

beforeAll(async () => {
  process.env.REDIS_URL = redisUrl();
  ({ calls } = await import(`../../examples/${'application'}.ts`));
});

afterAll(async () => {
  for (const store of open) await store.close();
});

type Fetch = (request: Request) => Response | Promise<Response>;

interface Program {
  readonly store: IdempotencyStore;
  readonly POST?: Fetch;
  readonly app?: { readonly fetch: Fetch };
}

test.each(['web', 'hono', 'h3'])(
  'The program of packages/%s/README.md charges once for a payment and its repeat',
  async (name) => {
    const { store, POST, app }: Program = await import(`../../examples/readme/${name}-package.ts`);
    open.push(store);
    const pay = POST ?? (async (request: Request) => await app?.fetch(request));
    const key = randomUUID();
    const payment = () =>
      new Request('http://shop.example/payments', {
        method: 'POST',
        headers: { 'Idempotency-Key': key, 'Content-Type': 'application/json' },
        body: '{"amount":20}',
      });
    const since = calls.length;
    const [first, again] = [await pay(payment()), await pay(payment())] as [Response, Response];
    expect([first.status, again.status, again.headers.get('Idempotent-Replayed')]).toEqual([201, 201, 'true']);
    expect(await again.text()).toBe(await first.text());
    expect(calls.slice(since).filter(({ system }) => system === 'provider')).toHaveLength(1);
  },
);
