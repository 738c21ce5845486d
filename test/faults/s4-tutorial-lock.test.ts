// Story S4: a tutorial's lock, `SET key 1 NX EX`, work, `SET result`, unconditional `DEL`, and its faults.
import { randomUUID } from 'node:crypto';
import { executeIdempotently, InProgressError, makeIdempotent, type OperationContext } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { FaultStore, hangs } from '@onceguard/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { executeUnderBriefLease } from '../engine/brief-lease.js';
import { summarize } from '../engine/execution-summary.js';
import { recordNameIn, recordOf } from '../engine/store-testbed.js';
import { redisUrl } from '../support/redis.js';
import { type OwnedClient, standaloneClients } from './standalone-clients.js';

describe.each(standaloneClients)(
  'S4: executeIdempotently has none of the faults of the tutorial’s lock, with $name',
  ({ make }) => {
    let client: OwnedClient;
    let store: FaultStore;

    beforeAll(async () => {
      client = make(redisUrl());
      await vi.waitUntil(() => client.status === 'ready', 60_000);
    });

    beforeEach(() => {
      store = new FaultStore(new RedisStore({ client, prefix: `s4:${randomUUID()}:` }), 400);
    });

    afterAll(() => client.disconnect());

    it('S4: an owner whose lease expired deletes nobody else’s lock, and stores no result over another’s', async () => {
      const options = { store, scope: 's4', key: 'job-1' };
      store.injectFault('renew', hangs);
      const [begun, gate] = [newGate(), newGate()];
      const second = async () => {
        begun.open();
        await gate.opened;
        return 'of the second';
      };
      const overtaking: Promise<string>[] = [];
      const first = executeUnderBriefLease(
        async ({ signal }: OperationContext) => {
          await untilAborted(signal);
          overtaking.push(summarize(executeIdempotently(second, { ...options, onInProgress: { waitMs: 30_000 } })));
          await begun.opened;
          return 'of the first';
        },
        { ...options, leaseMs: 150 },
      );
      expect(await summarize(first)).toBe('in_progress');
      expect(await summarize(executeIdempotently(() => 'of a third', options))).toBe('in_progress');
      gate.open();
      expect(await Promise.all(overtaking)).toEqual(['of the second, recorded']);
      expect(await summarize(executeIdempotently(() => 'of a third', options))).toBe('of the second, replayed');
    });

    it('S4: the lock does not expire during work', async () => {
      const options = { store, scope: 's4', key: 'job-1', leaseMs: 4_500 };
      const end = await executeIdempotently(async () => {
        const { leaseEndAt: first = 0 } = (await recordOf(store.inner, recordNameIn(store))) ?? {};
        await store.waitForCalls('renew', 4);
        expect((await store.inner.read('clock')).now).toBeGreaterThan(first);
        expect(await summarize(executeIdempotently(() => 'of another', options))).toBe('in_progress');
        return 'done';
      }, options);
      expect(end).toMatchObject({ kind: 'executed', recorded: true });
    });

    it('S4: the result and the lock are checked in one step: nobody runs between the two', async () => {
      let runs = 0;
      const call = () => summarize(executeIdempotently(() => `run ${++runs}`, { store, scope: 's4', key: 'job-1' }));
      const calls: Promise<string>[] = [];
      for (let count = 0; count < 200; count += 1) {
        calls.push(call());
        await new Promise((resolve) => setImmediate(resolve));
      }
      const ends = new Set(await Promise.all(calls));
      expect(runs).toBe(1);
      ends.delete('in_progress');
      expect([...ends].sort()).toEqual(['run 1, recorded', 'run 1, replayed']);
    });

    it.each([[null], [0], [''], [false], [undefined]])('S4: the result %j does not look absent', async (value) => {
      let runs = 0;
      const work = () => {
        runs += 1;
        return value;
      };
      const call = () => executeIdempotently(work, { store, scope: 's4', key: 'job-1' });
      expect(await call()).toMatchObject({ kind: 'executed', value });
      expect(await call()).toMatchObject({ kind: 'replayed', value });
      expect(runs).toBe(1);
    });

    it('S4: waiting is no busy loop, it ends, and it ends in an error that says what to do', async () => {
      const [begun, gate] = [newGate(), newGate()];
      const work = async () => {
        begun.open();
        await gate.opened;
      };
      const options = { store, scope: 's4', key: () => 'job-1' };
      const first = makeIdempotent(work, options)(1);
      await begun.opened;
      const waiting = makeIdempotent(work, { ...options, onInProgress: { waitMs: 400 } })(1);
      const wanted = { code: 'in_progress', retryAfterMs: expect.toSatisfy((ms: number) => ms > 0 && ms <= 30_000) };
      await expect(waiting).rejects.toMatchObject(wanted);
      await expect(waiting).rejects.toThrow(InProgressError);
      expect(store.callsOf('acquire').length).toBeLessThan(30);
      gate.open();
      await first;
    });
  },
);
