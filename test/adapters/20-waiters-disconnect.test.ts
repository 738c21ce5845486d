// Must hold: a caller that waits for the outcome of another, and leaves, gives its place back at once.
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { FaultStore } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import type { Handler } from './frameworks.js';
import { newGate } from './gate.js';
import { begin, send } from './http-client.js';

onEveryFramework('Of callers that wait,', (world) => {
  it.each([
    ['at one store', { maxWaiters: 2 }],
    ['in one scope', { maxWaitersPerScope: 2 }],
  ])('no more do %s than the option says; those beyond it are refused at once', async (_title, limits) => {
    const { port, wait, finish } = await startWaiting(world, limits);
    const waiting = statuses([await wait(1), await wait(2)]);
    expect((await send(port, { key: 'k' })).json()).toMatchObject({ status: 409, code: 'in_progress' });
    await finish();
    expect(await waiting).toEqual([201, 201]);
  });

  it('the one that looks gives its place to the next when it leaves, and so does one that does not look', async () => {
    const { wait, leave, finish } = await startWaiting(world, { maxWaiters: 2 });
    const [first, second] = [await wait(1), await wait(2)];
    await leave(first, 1);
    const third = await wait(3);
    await leave(third, 3);
    const waiting = statuses([second, await wait(4)]);
    await finish();
    expect(await waiting).toEqual([201, 201]);
  });
});

type Limits = { readonly maxWaiters?: number; readonly maxWaitersPerScope?: number };

/** An application at work for alice, until `finish`, whose duplicates wait. */
async function startWaiting(world: Testbed, limits: Limits) {
  const store = new FaultStore((await world.openStore()).store);
  const [begun, gate] = [newGate(), newGate()];
  const sockets: Socket[] = [];
  const handler: Handler = async () => {
    begun.open();
    await gate.opened;
    return { status: 201, body: 'paid' };
  };
  const scope = (native: unknown) => {
    sockets.push((native as Native).socket);
    return 'alice';
  };
  const { port } = await world.start({
    store,
    handler,
    options: { onInProgress: { waitMs: 30_000, ...limits }, scope },
  });
  const first = send(port, { key: 'k' });
  await begun.opened;
  /** The request is the `nth` that asked the store after the first, and waits now. */
  const wait = async (nth: number): Promise<ClientRequest> => {
    const client = begin(port, { key: 'k' });
    client.on('error', () => {});
    for (let calls = 1; tokensOf(store) < nth + 1; calls += 1) await store.waitForCalls('acquire', calls);
    // As long as the answer of its first look takes.
    await store.inner.read('nothing');
    await nextLoopTurns();
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
  return { port, wait, leave, finish };
}

interface Native {
  readonly socket: Socket;
}

function tokensOf(store: FaultStore): number {
  return new Set(store.callsOf('acquire').map(({ ownerToken }) => ownerToken)).size;
}

const nextLoopTurns = async () => await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

/** What the requests that still wait are answered with. To be called before their answers come. */
async function statuses(clients: readonly ClientRequest[]): Promise<(number | undefined)[]> {
  const answers = clients.map(async (client) => {
    const [answer] = (await once(client, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode;
  });
  return await Promise.all(answers);
}
