// An owner that has lost its lease, and somebody else who then acts under its key.
import { type IdempotencyStore, StoreError } from '@onceguard/core';
import { type Received, type Sent, send } from './client.js';
import type { Handler, Options, Reply } from './frameworks.js';
import { newGate } from './gate.js';
import type { World } from './matrix.js';
import { withVerbs } from './stores.js';

const key = 'payment-1';

export interface First {
  /** What its caller gets. */
  readonly told: Promise<Received>;
  readonly store: IdempotencyStore;
  /** Of its record at the store. */
  readonly name: string;
  readonly reason: unknown;
  /** Lets its handler answer. */
  finish(): void;
}

export interface Losing {
  readonly options?: Options;
  /** What its handler does before it loses its lease, and what it answers then. */
  readonly begin?: Handler;
  readonly reply?: Handler;
}

/** Begins a request whose lease runs out because its renewals do not reach the store; resolves when its signal aborts. */
export async function loseLease(world: World, { options, begin, reply }: Losing = {}): Promise<First> {
  const { store } = await world.openStore();
  const [lost, gate] = [newGate(), newGate()];
  let name = '';
  let reason: unknown;
  const cutOff = withVerbs(store, {
    acquire: async (record, request) => {
      name = record;
      return await store.acquire(record, request);
    },
    renew: async () => await Promise.reject(new StoreError('unavailable', 'It is cut off.')),
  });
  const handler: Handler = async (call) => {
    await begin?.(call);
    const { signal } = call.context ?? {};
    signal?.addEventListener('abort', () => {
      reason = signal.reason;
      lost.open();
    });
    await gate.opened;
    return (await reply?.(call)) ?? { status: 201, body: { paidBy: 'the first' } };
  };
  const { port } = await world.start({ store: cutOff, handler, options: { leaseMs: 400, ...options } });
  const told = send(port, { key });
  // Whoever awaits it learns of its failure; here it must not count as nobody's.
  told.catch(() => {});
  await lost.opened;
  return { told, store, name, reason, finish: gate.open };
}

export interface Second {
  /** What its caller gets. */
  readonly told: Promise<Received>;
  /** Resolves when its handler has begun. */
  readonly began: Promise<void>;
}

/** Sends the same request, or another under its key, to a server that waits until it may run. */
export async function takeOver(
  world: World,
  { store }: First,
  { options, reply, sent }: { options?: Options; reply: () => Reply | Promise<Reply>; sent?: Sent },
): Promise<Second> {
  const began = newGate();
  const handler: Handler = async () => {
    began.open();
    return await reply();
  };
  const { port } = await world.start({ store, handler, options: { onInProgress: { waitMs: 30_000 }, ...options } });
  const told = send(port, { key, ...sent });
  return { told, began: began.opened };
}
