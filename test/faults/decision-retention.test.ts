// A decision about an unknown outcome is kept as long as the work's policy says, in every store.
import {
  executeIdempotently,
  type IdempotencyStore,
  listDoubts,
  MemoryStore,
  paymentPolicy,
  recoverAll,
  recovery,
  resolveDoubt,
} from '@onceguard/core';
import { encodeRecoveredResponse, httpPaymentPolicy } from '@onceguard/core/http';
import { manualClock } from '@onceguard/testing';
import { describe, expect } from 'vitest';
import { start } from '../../packages/testing/src/adapter-suite/app-server.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { expressAndKoa as frameworks } from '../adapters/express-and-koa.js';
import { summarize } from '../engine/execution-summary.js';
import { type Lab, test } from './lab.js';
import { startShiftedRedis } from './shifted-clock.js';

const hours = 3_600;
const why = { by: 'ada@example.com', reason: 'the charge is in the dashboard of the provider' };
const noCompiler = 'Without a C compiler the clock of a Redis cannot be moved.';
const response = encodeRecoveredResponse({ status: 201, body: 'paid' });

/** A store, and a function that moves its clock to so many seconds after the start. */
type StoreWithClock = { readonly store: IdempotencyStore; shift(seconds: number): void };

const stores: { name: string; open(lab: Lab): Promise<StoreWithClock | null> }[] = [
  {
    name: 'memory',
    async open() {
      const clock = manualClock();
      const startedAt = clock.now();
      const shift = (seconds: number) => clock.advance(startedAt + seconds * 1_000 - clock.now());
      return { store: new MemoryStore({ clock: clock.now }), shift };
    },
  },
  {
    name: 'Redis',
    async open(lab) {
      const redis = await startShiftedRedis();
      if (redis === null) return null;
      lab.onEnd(redis.stop);
      return { store: await lab.connect(redis.server.url), shift: redis.shift };
    },
  },
];

/** Decides every doubt: as a person or a program, with a result or without. */
type Decide = (store: IdempotencyStore, outcome: Uint8Array) => Promise<unknown>;

const waysToDecide: Record<string, { readonly decide: Decide; readonly replays: boolean }> = {
  'a person records a response': { decide: decidedByPerson((outcome) => ({ outcome })), replays: true },
  'a person records that it is done': { decide: decidedByPerson(() => ({})), replays: false },
  'a person says for how short a time': {
    decide: decidedByPerson((outcome) => ({ outcome, ttlMs: 1_000 })),
    replays: true,
  },
  'a program finds out': {
    decide: (store, outcome) =>
      recoverAll(store, { recover: () => recovery.done(outcome), encode: (result) => result }),
    replays: true,
  },
};

function decidedByPerson(how: (outcome: Uint8Array) => { outcome?: Uint8Array; ttlMs?: number }): Decide {
  return async (store, outcome) => {
    const { doubts } = await listDoubts(store, { limit: 1_000 });
    for (const { recordName } of doubts) await resolveDoubt(store, recordName, { as: 'done', ...how(outcome), ...why });
  };
}

describe.each(stores)('Under `paymentPolicy`, on $name', ({ open }) => {
  test.for(Object.entries(waysToDecide))(
    'a function that is called again 25 hours, and 399 days, after a decision does not run: %s',
    async ([, { decide, replays }], { lab, skip }) => {
      const { store, shift } = (await open(lab)) ?? skip(noCompiler);
      let runs = 0;
      const charge = () => {
        runs += 1;
        throw new Error('no reply from the bank');
      };
      const call = () =>
        summarize(executeIdempotently(charge, { ...paymentPolicy, store, scope: 'shop', key: 'order-1' }));
      expect(await call()).toBe('Error: no reply from the bank');
      await decide(store, Buffer.from('"paid"'));
      shift(25 * hours);
      expect(await call()).toBe(replays ? 'paid, replayed' : 'expired');
      shift(399 * 24 * hours);
      expect([await call(), runs]).toEqual(['expired', 1]);
    },
  );

  test.for(Object.entries(waysToDecide))(
    'a request that is sent again 25 hours, and 399 days, after a decision does not run: %s',
    async ([, { decide, replays }], { lab, skip }) => {
      const { store, shift } = (await open(lab)) ?? skip(noCompiler);
      let runs = 0;
      const handler = () => {
        runs += 1;
        return { status: 500, body: 'no reply from the bank' };
      };
      const apps = frameworks.map((framework) => start(framework, { store, handler, options: httpPaymentPolicy }));
      const ports = (await Promise.all(apps)).map(({ port, close }, n) => {
        lab.onEnd(close);
        return { port, key: `order-${n}` };
      });
      const statuses = async () =>
        await Promise.all(ports.map(async ({ port, key }) => (await send(port, { key })).status));
      const all = (status: number) => frameworks.map(() => status);
      expect(await statuses()).toEqual(all(500));
      await decide(store, response);
      shift(25 * hours);
      expect(await statuses()).toEqual(all(replays ? 201 : 410));
      shift(399 * 24 * hours);
      expect(await statuses()).toEqual(all(410));
      expect(runs).toBe(frameworks.length);
    },
  );
});
