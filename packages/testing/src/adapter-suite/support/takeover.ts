// An owner that has lost its lease, and another owner that takes over its key.
import { type IdempotencyStore, StoreError } from '@onceguard/core';
import type { Testbed } from '../adapter-tests.js';
import type { Handler, Options, Reply } from '../framework.js';
import { newGate } from './gate.js';
import { type ReceivedResponse, type RequestToSend, send } from './http-client.js';
import { overrideVerbs } from './override-verbs.js';

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

const longestLeaseMs = 60_000;

/**
 * Begins a request whose lease expires because its renewals do not reach the store; resolves when its signal aborts. Where the machine
 * was too busy for the handler to begin under the lease, another request begins at another store, under a longer lease.
 */
export async function loseLease(testbed: Testbed, options: LoseLeaseOptions = {}): Promise<OvertakenRequest> {
  for (let leaseMs = options.options?.leaseMs ?? 400; ; leaseMs *= 4) {
    const request = await loseLeaseOf(testbed, leaseMs, options);
    if (request !== null) return request;
    if (leaseMs > longestLeaseMs) throw new Error(`The handler did not begin under a lease of ${leaseMs} ms.`);
  }
}

/** Returns null if the request was refused, and its handler did not begin. */
async function loseLeaseOf(
  testbed: Testbed,
  leaseMs: number,
  { options, begin, reply }: LoseLeaseOptions,
): Promise<OvertakenRequest | null> {
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
    const noteLoss = () => {
      abortReason = signal?.reason;
      lost.open();
    };
    if (signal?.aborted) noteLoss();
    else signal?.addEventListener('abort', noteLoss);
    await gate.opened;
    return (await reply?.(call)) ?? { status: 201, body: { paidBy: 'the first' } };
  };
  const { port } = await testbed.start({ store: cutOff, handler, options: { ...options, leaseMs } });
  const response = send(port, { key });
  // A test that awaits the response still sees its failure.
  const status = response.then(
    (received) => received.status,
    () => null,
  );
  const early = await Promise.race([lost.opened, status]);
  if (early === 503) return null;
  if (early !== undefined) throw new Error(`The request ended before its lease, with ${early}.`);
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
