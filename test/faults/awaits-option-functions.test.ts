// Every function of the application that an execution awaits may throw, reject, or take long to settle.
import {
  executeIdempotently,
  type IdempotencyStore,
  MemoryStore,
  makeIdempotent,
  paymentPolicy,
  type Recovery,
  recovery,
} from '@onceguard/core';
import { FaultStore } from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import type { Handler, Options } from '../../packages/testing/src/adapter-suite/framework.js';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { nextEvent } from '../../packages/testing/src/adapter-suite/support/next-event.js';
import { onEveryFramework, type Testbed } from '../adapters/framework-matrix.js';
import { callOverHttp } from './awaits/entry-points.js';

const failures: [how: string, fail: () => unknown][] = [
  [
    'throws',
    () => {
      throw new TypeError('There is no user.');
    },
  ],
  ['rejects', async () => await Promise.reject(new TypeError('There is no user.'))],
];

/** What each function returns normally. */
const functionResults = { skip: false, scope: 'user-1', fingerprint: 'an amount of 10' } as const;
const functions = Object.keys(functionResults) as (keyof typeof functionResults)[];
const failing = functions.flatMap((name) => failures.map(([how, fail]) => [name, how, fail] as const));

onEveryFramework(
  'A function of the application that runs before the work',
  (testbed) => {
    it.each(failing)(
      '%s %s: its error goes to the error handler, the store is not called, nothing runs, and the repeat runs',
      async (name, _how, fail) => {
        let calls = 0;
        const { port, store, runs } = await startWith(testbed, {
          [name]: () => (++calls === 1 ? fail() : functionResults[name]),
        });
        const { status, headers } = await send(port, { key: 'k' });
        expect(headers['content-type']).not.toBe('application/problem+json');
        expect([status, store.calls, runs()]).toEqual([500, [], 0]);
        expect(await callOverHttp(port, 'k')).toBe('run 1');
      },
    );

    it.each(functions)(
      '%s does not settle for long: its request waits, the store is not called, and others are served',
      async (name) => {
        const [entered, gate] = [newGate(), newGate()];
        let calls = 0;
        const slow = async () => {
          if (++calls === 1) {
            entered.open();
            await gate.opened;
          }
          return functionResults[name];
        };
        const { port, store, runs } = await startWith(testbed, { [name]: slow });
        const first = callOverHttp(port, 'k');
        await entered.opened;
        expect([store.calls, runs()]).toEqual([[], 0]);
        expect(await callOverHttp(port, 'k')).toBe('run 1');
        gate.open();
        expect(await first).toBe('run 1, replayed');
      },
    );
  },
  { store: 'Redis' },
);

const throwTypeError = () => {
  throw new TypeError('There is no body.');
};
// A JavaScript program may pass such a function.
const returnPromise = () => Promise.resolve(true) as never;

onEveryFramework(
  'A function isFinal, when the work is done,',
  (testbed) => {
    it.each([
      ['throws', throwTypeError, 'retryable', {}, 'run 2'],
      ['throws', throwTypeError, 'unknown', paymentPolicy, 'outcome_unknown'],
      ['gives a promise', returnPromise, 'retryable', {}, 'run 2'],
    ])(
      'that %s is an error: the client gets a plain 500, an event the error; nothing is recorded',
      async (_how, fail, state, options, repeat) => {
        let calls = 0;
        const isFinal = () => (++calls === 1 ? fail() : true);
        const { port, store, runs } = await startWith(testbed, { ...options, isFinal });
        const misconfigured = nextEvent('misconfigured');
        const response = await send(port, { key: 'k' });
        expect([response.status, response.text, runs()]).toEqual([500, 'Internal Server Error', 1]);
        expect(await misconfigured).toMatchObject({ code: 'option_invalid', recordName: store.calls[0]?.key });
        expect(store.callsOf('complete')).toEqual([]);
        expect((await store.inner.read(store.calls[0]?.key ?? '')).record?.state).toBe(state);
        expect(await callOverHttp(port, 'k')).toBe(repeat);
      },
    );
  },
  { store: 'Redis' },
);

describe('A function of makeIdempotent', () => {
  const all = ['scope', 'key', 'fingerprint'] as const;
  const cases = all.flatMap((name) => failures.map(([how, fail]) => [name, how, fail] as const));

  it.each(cases)(
    '%s %s: the caller gets the error, the store is not called, and nothing runs',
    async (name, _how, fail) => {
      const { store, pay, runs } = wrapCounting((calls) => ({ [name]: () => (calls() === 1 ? fail() : 'a') }));
      await expect(pay()).rejects.toThrow('There is no user.');
      expect([store.calls, runs()]).toEqual([[], 0]);
      expect(await pay()).toBe(1);
    },
  );

  it.each(all)(
    '%s does not settle for long: its caller waits, the store is not called, and others are served',
    async (name) => {
      const gate = newGate();
      const slow = async (calls: number) => {
        if (calls === 1) await gate.opened;
        return 'a';
      };
      const { store, pay, runs } = wrapCounting((calls) => ({ [name]: () => slow(calls()) }));
      const first = pay();
      expect([store.calls, runs()]).toEqual([[], 0]);
      expect(await pay()).toBe(1);
      gate.open();
      expect([await first, runs()]).toEqual([1, 1]);
    },
  );
});

describe('A recover function', () => {
  const leaveDoubt = async (store: IdempotencyStore) => {
    const call = { store, scope: 'tests', key: 'a', onFailure: 'unknown' } as const;
    await executeIdempotently(throwTypeError, call).catch(() => {});
  };

  it.each(failures)(
    '%s: its caller gets the error, nothing runs, and the repeat calls it again',
    async (_how, fail) => {
      const store = new MemoryStore();
      await leaveDoubt(store);
      let calls = 0;
      const recover = () => (++calls === 1 ? fail() : recovery.done('paid')) as Recovery<string>;
      const repeat = () =>
        executeIdempotently(() => 'never', { store, scope: 'tests', key: 'a', onAbandoned: recover });
      await expect(repeat()).rejects.toThrow('There is no user.');
      expect(await repeat()).toMatchObject({ kind: 'executed', value: 'paid' });
    },
  );

  it('does not settle for long: its lease is renewed, others get in_progress, and its result counts', async () => {
    const store = new FaultStore(new MemoryStore() as IdempotencyStore);
    await leaveDoubt(store);
    const gate = newGate();
    const recover = async () => {
      await gate.opened;
      return recovery.done('paid');
    };
    const repeat = () =>
      executeIdempotently(() => 'never', { store, scope: 'tests', key: 'a', leaseMs: 3_000, onAbandoned: recover });
    const first = repeat();
    await store.waitForCalls('renew', 3);
    expect(await repeat()).toMatchObject({ kind: 'in_progress' });
    gate.open();
    expect(await first).toMatchObject({ kind: 'executed', value: 'paid', recorded: true });
  });
});

onEveryFramework(
  'A recover function for a handler whose outcome is unknown,',
  (testbed) => {
    it.each(failures)('%s: its error goes to the error handler, and the repeat calls it again', async (_how, fail) => {
      let calls = 0;
      const onAbandoned = () =>
        (++calls === 1 ? fail() : recovery.done({ status: 201, body: '{"run":1}' })) as Recovery<never>;
      const failsFirst: Handler = () => ({ status: 500, body: {} });
      const { store } = await testbed.openStore();
      const options = { onFailure: 'unknown', onAbandoned } as Options;
      const { port } = await testbed.start({ store, options, handler: failsFirst });
      expect((await send(port, { key: 'k' })).status).toBe(500);
      const response = await send(port, { key: 'k' });
      expect(response.status).toBe(500);
      expect(response.headers['content-type']).not.toBe('application/problem+json');
      expect(await callOverHttp(port, 'k')).toBe('run 1, replayed');
    });
  },
  { store: 'Redis' },
);

async function startWith(testbed: Testbed, options: Options) {
  const store = new FaultStore((await testbed.openStore()).store);
  let runs = 0;
  const handler: Handler = () => ({ status: 201, body: { run: ++runs } });
  const { port } = await testbed.start({ store, options, handler });
  return { port, store, runs: () => runs };
}

function wrapCounting(options: (calls: () => number) => object) {
  const store = new FaultStore(new MemoryStore() as IdempotencyStore);
  let [calls, runs] = [0, 0];
  const defaults = { store, scope: 'tests', key: () => 'a', fingerprint: () => 'a' };
  const pay = makeIdempotent(async (_input: string) => ++runs, { ...defaults, ...options(() => ++calls) });
  return { store, pay: () => pay('a'), runs: () => runs };
}
