// An owner that has lost its lease, and another owner that takes over its key.
import { type IdempotencyStore, StoreError } from '@onceguard/core';
import type { Testbed } from './framework-matrix.js';
import type { Handler, Options, Reply } from './frameworks.js';
import { newGate } from './gate.js';
import { type ReceivedResponse, type RequestToSend, send } from './http-client.js';
import { overrideVerbs } from './store-kinds.js';

const key = 'payment-1';

export interface OvertakenRequest {
  /** What its caller gets. */
  readonly response: Promise<ReceivedResponse>;
  readonly store: IdempotencyStore;
  /** The name of its record in the store. */
  readonly recordName: string;
  readonly abortReason: unknown;
  /** Lets its handler respond. */
  finish(): void;
}

export interface LoseLeaseOptions {
  readonly options?: Options;
  /** What its handler does before it loses its lease, and what it responds then. */
  readonly begin?: Handler;
  readonly reply?: Handler;
}

/**
 * Begins a request whose lease expires because its renewals do not reach the store; resolves when its signal aborts.
 */
export async function loseLease(
  testbed: Testbed,
  { options, begin, reply }: LoseLeaseOptions = {},
): Promise<OvertakenRequest> {
  const { store } = await testbed.openStore();
  const [lost, gate] = [newGate(), newGate()];
  let recordName = '';
  let abortReason: unknown;
  const cutOff = overrideVerbs(store, {
    acquire: async (record, request) => {
      recordName = record;
      return await store.acquire(record, request);
    },
    renew: async () => await Promise.reject(new StoreError('unavailable', 'It is cut off.')),
  });
  const handler: Handler = async (call) => {
    await begin?.(call);
    const { signal } = call.context ?? {};
    signal?.addEventListener('abort', () => {
      abortReason = signal.reason;
      lost.open();
    });
    await gate.opened;
    return (await reply?.(call)) ?? { status: 201, body: { paidBy: 'the first' } };
  };
  const { port } = await testbed.start({ store: cutOff, handler, options: { leaseMs: 400, ...options } });
  const response = send(port, { key });
  // A test that awaits the response still sees its failure. This catch only prevents an unhandled rejection.
  response.catch(() => {});
  await lost.opened;
  return { response, store, recordName, abortReason, finish: gate.open };
}

export interface OvertakingRequest {
  /** What its caller gets. */
  readonly response: Promise<ReceivedResponse>;
  /** Resolves when its handler has begun. */
  readonly began: Promise<void>;
}

/** Sends the same request, or another under its key, to a server that waits until it may run. */
export async function takeOver(
  testbed: Testbed,
  { store }: OvertakenRequest,
  { options, reply, sent }: { options?: Options; reply: () => Reply | Promise<Reply>; sent?: RequestToSend },
): Promise<OvertakingRequest> {
  const began = newGate();
  const handler: Handler = async () => {
    began.open();
    return await reply();
  };
  const { port } = await testbed.start({ store, handler, options: { onInProgress: { waitMs: 30_000 }, ...options } });
  const response = send(port, { key, ...sent });
  return { response, began: began.opened };
}
