// Where an outer layer has responded before the handler began, the handler does not begin, and the key is free.
import { recovery } from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import { FaultStore, failsBefore, runFirst } from '../../fault-store.js';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Handler, Options } from '../framework.js';
import { type Gate, newGate } from '../support/gate.js';
import { type ReceivedResponse, send } from '../support/http-client.js';
import { allDoubts } from '../support/list-all-doubts.js';

const tooLate = { status: 503, body: 'Too late.' };

/** The timed request stays pending here until the outer layer has responded. */
const holdUntilResponded = async (entered: Gate, responded: Gate) => {
  entered.open();
  await responded.opened;
};

export function outerLayerRespondsFirstTests(suite: AdapterTests): void {
  suite.group('Where an outer layer responds', tests, { needs: ['outerLayers', 'timeouts'] });
}

function tests(testbed: Testbed): void {
  it.each(['scope', 'key', 'fingerprint'])('while %s is pending, the handler does not run', async (name) => {
    const { store, sendTimed, post, runs } = await startTimed(testbed, (entered, responded) => ({
      ...httpPaymentPolicy,
      [name]: async (native: unknown) => {
        if (isTimed(testbed, native)) await holdUntilResponded(entered, responded);
        return 'k';
      },
    }));
    expect((await sendTimed()).status).toBe(503);
    expect(await post()).toMatchObject({ status: 201, text: 'paid' });
    expect([runs(), await allDoubts(store)]).toEqual([1, []]);
  });

  it.each([
    ['by default', {}],
    ['under payments', httpPaymentPolicy],
  ])('during the store call, %s, the handler does not run, and the lease is released', async (_title, options) => {
    const { store, sendTimed, post, runs } = await startTimed(testbed, (entered, responded, store) => {
      store.injectFault(
        'acquire',
        runFirst(() => holdUntilResponded(entered, responded)),
        1,
      );
      return options;
    });
    expect((await sendTimed()).status).toBe(503);
    await store.waitForCalls('release', 1);
    expect(store.callsOf('release')[0]?.args[1]).toEqual({ as: 'not_started' });
    expect(await post()).toMatchObject({ status: 201, text: 'paid' });
    expect([runs(), await allDoubts(store)]).toEqual([1, []]);
  });

  it('while the store is away, and onStoreUnavailable is bypass, the handler does not run', async () => {
    const { sendTimed, runs, passed } = await startTimed(testbed, (entered, responded, store) => {
      store.injectFault('acquire', async () => {
        await holdUntilResponded(entered, responded);
        return await failsBefore('misconfigured')(async () => expect.unreachable());
      });
      return { onStoreUnavailable: 'bypass' };
    });
    expect((await sendTimed()).status).toBe(503);
    await passed();
    expect(runs()).toBe(0);
  });

  it('while the request waits for another attempt, the handler does not run when that attempt fails', async () => {
    const [begun, gate] = [newGate(), newGate()];
    const { store, sendTimed, post, runs } = await startTimed(
      testbed,
      (entered, _responded, store) => {
        void store.waitForCalls('acquire', 2).then(entered.open);
        return { onInProgress: { waitMs: 30_000 } };
      },
      async () => {
        begun.open();
        await gate.opened;
        throw new Error('It failed.');
      },
    );
    const first = post();
    await begun.opened;
    expect((await sendTimed()).status).toBe(503);
    gate.open();
    expect((await first).status).toBe(500);
    expect((await post()).status).toBe(500);
    expect([runs(), store.callsOf('release').length]).toEqual([2, 2]);
  });

  it('while onAbandoned runs, the handler does not run, and the outcome stays unknown', async () => {
    const { store, sendTimed, post, runs } = await startTimed(
      testbed,
      (entered, responded) => ({
        onFailure: 'unknown',
        onAbandoned: async () => {
          await holdUntilResponded(entered, responded);
          return recovery.notDone();
        },
      }),
      () => {
        throw new Error('It failed.');
      },
    );
    expect((await post()).status).toBe(500);
    expect((await sendTimed()).status).toBe(503);
    await store.waitForCalls('release', 2);
    expect(store.callsOf('release')[1]?.args[1]).toEqual({ as: 'not_started' });
    expect(runs()).toBe(1);
    expect(await allDoubts(store)).toMatchObject([{ state: 'unknown' }]);
  });

  it('before an error does, its response is the only one', async () => {
    const { sendTimed, post, passed, runs } = await startTimed(testbed, (entered, responded) => ({
      scope: async (native: unknown) => {
        if (isTimed(testbed, native)) await holdUntilResponded(entered, responded);
        return isTimed(testbed, native) ? '' : 'k';
      },
    }));
    expect((await sendTimed()).status).toBe(503);
    await passed();
    expect(await post()).toMatchObject({ status: 201 });
    expect(runs()).toBe(1);
  });
}

interface TimedApp {
  readonly store: FaultStore;
  /** A request to which the outer layer responds with 503 as soon as it is pending. */
  sendTimed(): Promise<ReceivedResponse>;
  post(): Promise<ReceivedResponse>;
  /** Resolves when the application has finished the timed request. */
  passed(): Promise<void>;
  runs(): number;
}

async function startTimed(
  testbed: Testbed,
  options: (entered: Gate, responded: Gate, store: FaultStore) => Options,
  handler: Handler = () => ({ status: 201, body: 'paid' }),
): Promise<TimedApp> {
  const [entered, responded] = [newGate(), newGate()];
  const store = new FaultStore((await testbed.openStore()).store);
  let runs = 0;
  const counting: Handler = async (call) => {
    runs += 1;
    return await handler(call);
  };
  const { port } = await testbed.start({
    store,
    handler: counting,
    outer: [testbed.layer(({ native }) => (isTimed(testbed, native) ? entered.opened.then(() => tooLate) : undefined))],
    options: options(entered, responded, store),
  });
  const sendTimed = async () => {
    const received = await send(port, { key: 'k', headers: { 'x-timed': 'yes' } });
    responded.open();
    return received;
  };
  const post = async () => await send(port, { key: 'k' });
  const passed = async () => await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  return { store, sendTimed, post, passed, runs: () => runs };
}

function isTimed({ framework }: Testbed, native: unknown): boolean {
  return framework.header(native, 'x-timed') !== undefined;
}
