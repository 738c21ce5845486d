// Builders of requests, and assertions on replies, for the tests of the suite.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { StoreError } from '@onceguard/core';
import {
  type Acquired,
  type AcquireReply,
  type AcquireRequest,
  type Completion,
  idempotencyProtocol,
  type Lease,
  type ReadReply,
  type ResolveRequest,
} from '@onceguard/core/store';
import type { StoreTestContext } from './suite-context.js';

export const hourMs = 3_600_000;
export const minuteMs = 60_000;
export const dayMs = 24 * hourMs;
/** Short enough to wait for in real time. */
export const briefMs = 40;
/** As W3C Trace Context has it. */
export const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
/** A time that no clock of a test reaches. */
const farFuture = 1e14;
const retention = Object.freeze({ recordTtlMs: dayMs, outcomeTtlMs: hourMs, unknownTtlMs: 400 * dayMs });

export function acquireRequest(overrides: Partial<AcquireRequest> = {}): AcquireRequest {
  const fixed = {
    fingerprint: 'v1:payment',
    leaseMs: hourMs,
    onAbandoned: 'rerun',
    notAfter: farFuture,
    lastSeenFencingToken: 0,
    operation: 'POST /payments',
    label: null,
    traceparent: null,
  } as const;
  const request = { ...retention, ownerToken: randomUUID(), ...fixed, ...overrides };
  return { ...request, outcomeTtlMs: overrides.outcomeTtlMs ?? Math.min(hourMs, request.recordTtlMs) };
}

/** Acquires a lease, and fails the test if the store does not grant it. */
export async function acquireLease(
  { store, key }: Pick<StoreTestContext, 'store' | 'key'>,
  overrides: Partial<AcquireRequest> = {},
): Promise<Lease> {
  const request = acquireRequest(overrides);
  return toLease(key, request, assertAcquired(await store.acquire(key, request)));
}

/** Acquires a lease of milliseconds, and waits until it has ended. */
export async function acquireAbandonedLease(
  context: StoreTestContext,
  overrides: Partial<AcquireRequest> = {},
): Promise<Lease> {
  const lease = await acquireLease(context, { leaseMs: briefMs, ...overrides });
  await context.waitForStoreTime(lease.leaseEndAt);
  return lease;
}

export function assertAcquired(reply: AcquireReply): Acquired & { readonly now: number } {
  assert.ok(reply.kind === 'acquired', `the reply is ${reply.kind}; it should be acquired`);
  return reply;
}

export function toLease(key: string, request: AcquireRequest, reply: Acquired): Lease {
  const { ownerToken, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs } = request;
  const facts = { ...idempotencyProtocol.attemptFacts(reply), leaseEndAt: reply.leaseEndAt };
  return { key, ownerToken, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs, ...facts };
}

/** A lease of an owner whose record the store lost. If the key has a record, that one counts as an older copy. */
export async function leaseOnLostRecord(
  { store, key }: StoreTestContext,
  overrides: Partial<Lease> = {},
): Promise<Lease> {
  const { now } = await store.read(key);
  const { ownerToken, fingerprint } = acquireRequest();
  const flags = { takeover: true, recovering: false, guarded: false, fingerprintBound: true };
  const description = { operation: 'POST /refunds', label: 'Order 17 ✓', traceparent };
  const times = { firstAcquiredAt: now - hourMs, acquiredAt: now - minuteMs };
  const facts = { attempt: 3, fencingToken: now + dayMs, ...flags, ...description, ...times };
  return { key, ownerToken, fingerprint, ...retention, ...facts, leaseEndAt: now + hourMs, ...overrides };
}

export function completionOf(text: string, overrides: Partial<Completion> = {}): Completion {
  return { outcome: Buffer.from(text), outcomeTtlMs: hourMs, note: null, notAfter: farFuture, ...overrides };
}

export function resolveRequest(expectedFencingToken: number, overrides: Partial<ResolveRequest> = {}): ResolveRequest {
  const decision = { outcome: null, note: null, by: 'ops', reason: 'asked the bank' };
  return { recordTtlMs: null, outcomeTtlMs: null, expectedFencingToken, as: 'not_done', ...decision, ...overrides };
}

/** The outcome that a repeated request gets, as text. */
export async function replayedOutcome({ store, key }: Pick<StoreTestContext, 'store' | 'key'>): Promise<string> {
  const reply = await store.acquire(key, acquireRequest());
  assert.ok(reply.kind === 'completed', `the reply is ${reply.kind}; it should be completed`);
  return Buffer.from(reply.outcome).toString();
}

/** The reply without the store's time, which it checks to be a plausible number. */
export function withoutNow<Reply extends { readonly now: number }>(reply: Reply): Omit<Reply, 'now'> {
  assert.ok(Number.isSafeInteger(reply.now) && reply.now > 0, `now is ${reply.now}`);
  const { now: _, ...rest } = reply;
  return rest;
}

export async function readRecord({
  store,
  key,
}: Pick<StoreTestContext, 'store' | 'key'>): Promise<NonNullable<ReadReply['record']>> {
  const { record } = await store.read(key);
  assert.ok(record !== null, 'there is a record');
  return record;
}

/** Fails the test if `act` changes the record. */
export async function assertRecordUnchanged<Reply extends Promise<unknown>>(
  context: Pick<StoreTestContext, 'store' | 'key'>,
  act: () => Reply,
): Promise<Awaited<Reply>> {
  const { record: before } = await context.store.read(context.key);
  const reply = await act();
  assert.deepEqual((await context.store.read(context.key)).record, before);
  return reply;
}

export async function assertRefusedAsBug(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => error instanceof StoreError && error.class === 'bug');
}
