// A caller that waits for another attempt's outcome, and disconnects, frees its place at once.
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { FaultStore } from '../../fault-store.js';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Handler } from '../framework.js';
import { newGate } from '../support/gate.js';
import { begin, send } from '../support/http-client.js';

export function waitersDisconnectTests(suite: AdapterTests): void {
  suite.group(
    'Of callers that wait,',
    (testbed) => {
      it.each([
        ['at one store', { maxWaiters: 2 }],
        ['in one scope', { maxWaitersPerScope: 2 }],
      ])('at most as many as the option allows wait: %s; further ones are rejected at once', async (_title, limits) => {
        const { port, wait, finish } = await startWaiting(testbed, limits);
        const waiting = statuses([await wait(1), await wait(2)]);
        expect((await send(port, { key: 'k' })).json()).toMatchObject({ status: 409, code: 'in_progress' });
        await finish();
        expect(await waiting).toEqual([201, 201]);
      });

      it.runIf(testbed.has('disconnects'))(
        'one that disconnects frees its place at once, whether it polls or not',
        async () => {
          const { wait, leave, finish } = await startWaiting(testbed, { maxWaiters: 2 });
          const [first, second] = [await wait(1), await wait(2)];
          await leave(first, 1);
          const third = await wait(3);
          await leave(third, 3);
          const waiting = statuses([second, await wait(4)]);
          await finish();
          expect(await waiting).toEqual([201, 201]);
        },
      );

      it.skipIf(testbed.has('disconnects'))('one that disconnects keeps its place, as declared', async () => {
        const { port, wait, arrived, leave, finish } = await startWaiting(testbed, { maxWaiters: 1 });
        await leave(await wait(1), 1);
        // One that waits gets the outcome.
        const further = send(port, { key: 'k' });
        await arrived(2);
        await finish();
        expect((await further).json()).toMatchObject({ status: 409, code: 'in_progress' });
      });
    },
    { on: 'each' },
  );
}

type Limits = { readonly maxWaiters?: number; readonly maxWaitersPerScope?: number };

/** An application that works for alice until `finish`, and whose duplicates wait. */
async function startWaiting(testbed: Testbed, limits: Limits) {
  const store = new FaultStore((await testbed.openStore()).store);
  const [begun, gate] = [newGate(), newGate()];
  const handler: Handler = async () => {
    begun.open();
    await gate.opened;
    return { status: 201, body: 'paid' };
  };
  const { port, sockets } = await testbed.start({
    store,
    handler,
    options: { onInProgress: { waitMs: 30_000, ...limits }, scope: () => 'alice' },
  });
  const first = send(port, { key: 'k' });
  await begun.opened;
  /** Resolves when the `nth` request after the first has called the store, and waits if it may. */
  const arrived = async (nth: number): Promise<void> => {
    for (let calls = 1; tokensOf(store) < nth + 1; calls += 1) await store.waitForCalls('acquire', calls);
    // Takes as long as the reply to its first poll.
    await store.inner.read('nothing');
    await nextLoopTurns();
  };
  const wait = async (nth: number): Promise<ClientRequest> => {
    const client = begin(port, { key: 'k' });
    client.on('error', () => {});
    await arrived(nth);
    return client;
  };
  const leave = async (client: ClientRequest, nth: number) => {
    const socket = sockets[nth];
    if (socket === undefined) return expect.unreachable();
    const closed = once(socket, 'close');
    client.destroy();
    await closed;
    await nextLoopTurns();
  };
  const finish = async () => {
    gate.open();
    expect((await first).status).toBe(201);
  };
  return { port, wait, arrived, leave, finish };
}

function tokensOf(store: FaultStore): number {
  return new Set(store.callsOf('acquire').map(({ ownerToken }) => ownerToken)).size;
}

const nextLoopTurns = async () => await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

/** The statuses for the requests that still wait. Call it before their responses arrive. */
async function statuses(clients: readonly ClientRequest[]): Promise<(number | undefined)[]> {
  const responses = clients.map(async (client) => {
    const [response] = (await once(client, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  });
  return await Promise.all(responses);
}
