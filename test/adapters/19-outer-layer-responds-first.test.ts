// Where an outer layer has responded before the handler began, the handler does not begin, and the key is free.
import { recovery } from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import { FaultStore, failsBefore, runFirst } from '@onceguard/testing';
import type { NextFunction, Request, Response } from 'express';
import type { Context, Next } from 'koa';
import { expect, it } from 'vitest';
import { allDoubts } from './16-list-all-doubts.js';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import type { Handler, Options } from './frameworks.js';
import { type Gate, newGate } from './gate.js';
import { type ReceivedResponse, send } from './http-client.js';

/** The timed request stays pending here until the outer layer has responded. */
const holdUntilResponded = async (entered: Gate, responded: Gate) => {
  entered.open();
  await responded.opened;
};

onEveryFramework('Where an outer layer responds', (testbed) => {
  it.each(['scope', 'key', 'fingerprint'])('while %s is pending, the handler does not run', async (name) => {
    const { store, sendTimed, post, runs } = await startTimed(testbed, (entered, responded) => ({
      ...httpPaymentPolicy,
      [name]: async (native: unknown) => {
        if (isTimed(native)) await holdUntilResponded(entered, responded);
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
        if (isTimed(native)) await holdUntilResponded(entered, responded);
        return isTimed(native) ? '' : 'k';
      },
    }));
    expect((await sendTimed()).status).toBe(503);
    await passed();
    expect(await post()).toMatchObject({ status: 201 });
    expect(runs()).toBe(1);
  });
});

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
    outer: [testbed.framework.family === 'express' ? expressTimer(entered) : koaTimer(entered)],
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

function expressTimer(entered: Gate) {
  return (req: Request, res: Response, next: NextFunction) => {
    if (isTimed(req)) void entered.opened.then(() => res.status(503).send('Too late.'));
    next();
  };
}

function koaTimer(entered: Gate) {
  return async (ctx: Context, next: Next) => {
    if (!isTimed(ctx)) return await next();
    await Promise.race([next(), entered.opened.then(() => ctx.throw(503))]);
  };
}

function isTimed(native: unknown): boolean {
  return (native as { headers: Record<string, unknown> }).headers['x-timed'] !== undefined;
}
