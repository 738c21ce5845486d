// Steps of an owner that has lost its lease, of a store that has lost the record, and messages that come late.
import { executeIdempotently, LeaseLostError, type OperationContext, resolveDoubt } from '@onceguard/core';
import { type FaultRule, type FaultStore, failsAfter, failsBefore, hangsAfter, runFirst } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { abandonWork, callOptions } from './abandoned-work.js';
import { briefLease, executeUnderBriefLease } from './brief-lease.js';
import { summarize } from './execution-summary.js';
import { onEveryStore, recordNameIn, recordOf } from './store-testbed.js';

const atMostOnce = { atMostOnce: true };
const asValue = (error: unknown) => error;

/** What the record holds of a step behind its checksum: `2:r"ch_1"`. */
async function recordedStep(store: FaultStore, step = 'charge'): Promise<string> {
  const entry = (await recordOf(store.inner, recordNameIn(store)))?.steps.get(step);
  return entry === undefined ? 'nothing' : `${entry.seq}:${Buffer.from(entry.bytes).subarray(8)}`;
}

/** Everything that was written down for steps, once more and in the order of then. */
async function resendCheckpoints(store: FaultStore): Promise<string[]> {
  const calls = store.callsOf('checkpoint').map(({ args }) => args as Parameters<FaultStore['checkpoint']>);
  const answers: string[] = [];
  for (const [lease, point] of calls) answers.push((await store.inner.checkpoint(lease, point)).kind);
  return answers;
}

onEveryStore('A step of an owner whose lease is over', (open) => {
  it.each([
    ['would be taken', 'ship', {}],
    ['would be announced', 'ship', atMostOnce],
    ['is on record', 'reserve', {}],
    ['is in doubt', 'charge', {}],
  ])('rejects with a LeaseLostError, and does not run: one that %s', async (_what, name, options) => {
    const { store } = open();
    await abandonWork(store, async ({ step }, vanish) => {
      await step('reserve', () => 'r1');
      await step('charge', vanish, atMostOnce);
    });
    const writes = store.callsOf('checkpoint').length;
    let ran = false;
    let error: unknown;
    const operation = async ({ signal, step }: OperationContext) => {
      await untilAborted(signal);
      const late = step(name, () => (ran = true), options);
      error = await late.catch(asValue);
    };
    await executeUnderBriefLease(operation, { ...callOptions(store), ...briefLease }).catch(() => {});
    expect(error).toBeInstanceOf(LeaseLostError);
    expect([ran, store.callsOf('checkpoint').length]).toEqual([false, writes]);
  });

  it('does not run where the lease ended while its intent was being recorded; two that wait are both told', async () => {
    const { store } = open();
    const ran: string[] = [];
    const errors: unknown[] = [];
    const operation = async ({ signal, step }: OperationContext) => {
      store.injectFault(
        'checkpoint',
        runFirst(async () => await untilAborted(signal)),
      );
      const charge = (name: string) => step(name, () => ran.push(name), atMostOnce).catch(asValue);
      errors.push(...(await Promise.all([charge('charge-1'), charge('charge-2')])));
    };
    await executeUnderBriefLease(operation, { ...callOptions(store), ...briefLease }).catch(() => {});
    expect(errors).toEqual([expect.any(LeaseLostError), expect.any(LeaseLostError)]);
    expect(ran).toEqual([]);
  });

  it('is told so by the store: its signal aborts, and nothing is written', async () => {
    const { store } = open();
    let error: unknown;
    let aborted = false;
    const operation = async ({ signal, step }: OperationContext) => {
      // An operator removes the record of an owner that believes to be alone.
      await store.inner.remove(recordNameIn(store));
      error = await step('charge', () => 'ch_1').catch(asValue);
      aborted = signal.aborted;
    };
    await executeIdempotently(operation, callOptions(store)).catch(() => {});
    expect(error).toMatchObject({ code: 'lease_lost', message: expect.stringMatching(/another owner has taken over/) });
    expect([aborted, await recordedStep(store)]).toEqual([true, 'nothing']);
  });
});

onEveryStore('An intent that arrives again late', (open) => {
  const charging = async ({ step }: OperationContext) => await step('charge', () => 'ch_1', atMostOnce);

  it('changes nothing after the result of its step', async () => {
    const { store } = open();
    const operation = async (context: OperationContext) => {
      await charging(context);
      expect(await resendCheckpoints(store)).toEqual(['ok', 'ok']);
      expect(await recordedStep(store)).toBe('2:r"ch_1"');
      throw new Error('declined');
    };
    await executeIdempotently(operation, callOptions(store)).catch(() => {});
    expect(await resendCheckpoints(store)).toEqual(['lost', 'lost']);
    expect(await recordedStep(store)).toBe('2:r"ch_1"');
    expect(await summarize(executeIdempotently(charging, callOptions(store)))).toBe('ch_1, recorded');
  });

  it('changes nothing after its step was taken back', async () => {
    const { store } = open();
    const operation = async ({ step }: OperationContext) => {
      const declines = ({ markNothingHappened }: { markNothingHappened(): void }) => {
        markNothingHappened();
        throw new Error('declined');
      };
      await step('charge', declines, atMostOnce).catch(asValue);
      expect(await resendCheckpoints(store)).toEqual(['ok', 'ok']);
      expect(await recordedStep(store)).toBe('2:w');
      throw new Error('declined');
    };
    await executeIdempotently(operation, callOptions(store)).catch(() => {});
    expect(await summarize(executeIdempotently(charging, callOptions(store)))).toBe('ch_1, recorded');
  });

  it('changes nothing after another owner has taken over', async () => {
    const { store } = open();
    await abandonWork(store, async ({ step }, vanish) => {
      await step('reserve', () => 'r1');
      await step('look-up', vanish);
    });
    const operation = async (context: OperationContext) => {
      const [lease] = store.callsOf('checkpoint').map(({ args }) => args[0] as Parameters<FaultStore['checkpoint']>[0]);
      const intent = { step: 'charge', seq: 1, bytes: Buffer.from('i') };
      expect(lease && (await store.inner.checkpoint(lease, intent)).kind).toBe('lost');
      expect(await recordedStep(store)).toBe('nothing');
      return await charging(context);
    };
    expect(await summarize(executeIdempotently(operation, callOptions(store)))).toBe('ch_1, recorded');
  });

  it('changes nothing after somebody decided that its step did not happen', async () => {
    const { store } = open();
    await abandonWork(store, async ({ step }, vanish) => await step('charge', vanish, atMostOnce), {
      onAbandoned: 'block',
    });
    const decision = { as: 'not_done', by: 'Ada', reason: 'asked the bank' } as const;
    expect(await resolveDoubt(store, recordNameIn(store), decision)).toMatchObject({ kind: 'ok' });
    expect(await resendCheckpoints(store)).toEqual(['lost']);
    expect(await recordedStep(store)).toBe('nothing');
    expect(await summarize(executeIdempotently(charging, callOptions(store)))).toBe('ch_1, recorded');
  });
});

onEveryStore('Where the store loses the record, all steps are told again', (open) => {
  /** One step on record from before, one of this attempt; then the record is lost, and `next` happens. */
  async function losing(world: ReturnType<typeof open>, next: (context: OperationContext) => Promise<unknown>) {
    const { store, loseRecord } = world;
    const reserve = async ({ step }: OperationContext) => {
      await step('reserve', () => 'r1');
      throw new Error('declined');
    };
    await executeIdempotently(reserve, callOptions(store)).catch(() => {});
    let steps = '';
    const operation = async (context: OperationContext) => {
      await context.step('charge', () => 'ch_1', atMostOnce);
      await loseRecord(recordNameIn(store));
      await next(context);
      await expect.poll(async () => (await recordOf(store.inner, recordNameIn(store)))?.steps.size).toBeGreaterThan(1);
      const record = await recordOf(store.inner, recordNameIn(store));
      steps = [...(record?.steps ?? [])]
        .map(([name, { seq }]) => `${name} ${seq}`)
        .sort()
        .join();
    };
    return { end: await summarize(executeIdempotently(operation, { ...callOptions(store), leaseMs: 6_000 })), steps };
  }

  it('by a renewal', async () => {
    const world = open();
    const renewed = async () => await world.store.waitForCalls('renew', 1);
    expect(await losing(world, renewed)).toEqual({ end: 'undefined, recorded', steps: 'charge 2,reserve 2' });
  });

  it.each<[string, FaultRule]>([
    ['is never answered', hangsAfter],
    ['fails after', failsAfter],
  ])('by the one after a renewal that wrote the record anew and %s', async (_how, fault) => {
    const world = open();
    world.store.injectFault('renew', fault, 1);
    const renewed = async () => await world.store.waitForCalls('renew', 2);
    expect(await losing(world, renewed)).toEqual({ end: 'undefined, recorded', steps: 'charge 2,reserve 2' });
  });

  it('with retries and backoff where the store is full: the step rejects when the lease expires', async () => {
    const { store } = open();
    store.injectFault('checkpoint', async (pass) => Object.assign({}, await pass(), { kind: 'gone' }));
    store.injectFault('renew', failsBefore());
    const operation = async ({ step }: OperationContext) => await step('charge', () => 'ch_1');
    const end = summarize(executeUnderBriefLease(operation, { ...callOptions(store), leaseMs: 400 }));
    expect(await end).toBe('lease_lost');
    expect(store.callsOf('checkpoint').length).toBeLessThan(20);
  });

  it('before the step that found it lost is recorded', async () => {
    const world = open();
    const ship = async ({ step }: OperationContext) => await step('ship', () => 's1', atMostOnce);
    const expected = { end: 'undefined, recorded', steps: 'charge 2,reserve 2,ship 2' };
    expect(await losing(world, ship)).toEqual(expected);
  });
});
