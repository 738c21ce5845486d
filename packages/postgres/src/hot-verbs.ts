// The verbs of every request. The common case of each is one statement; where its conditions do not hold, look and swap.
import { StoreError } from '@onceguard/core';
import type { SqlRow, SqlValue } from '@onceguard/core/sql';
import {
  type Acquired,
  type AcquireReply,
  type AcquireRequest,
  type Checkpoint,
  type CheckpointReply,
  type CompleteReply,
  type Completion,
  type Lease,
  idempotencyProtocol as protocol,
  type RecordRetention,
  type RenewReply,
  type StoredRecord,
} from '@onceguard/core/store';
import { decodeLook, decodeNow, encodeNote, encodeRow, type Look, toInteger } from './record-row.js';
import { contentionError, maxRounds, type RecordTable } from './record-table.js';
import type { Statements } from './statements.js';

export class HotVerbs {
  readonly #table: RecordTable;
  readonly #statements: Statements;

  constructor(table: RecordTable, statements: Statements) {
    this.#table = table;
    this.#statements = statements;
  }

  async acquire(key: string, request: AcquireRequest): Promise<AcquireReply> {
    const first = firstAttempt(request);
    const row = await this.#table.tryWrite(this.#statements.begin, beginValues(key, first, request));
    if (row === null) return await this.#acquireBySwap(key, request);
    if (row.started_token !== null) return startedReply(first, toInteger(row.started_token), decodeNow(row));
    const look = decodeLook(row);
    return isResent(look, request) ? await this.#resend(key, request) : await this.#acquireBySwap(key, request, look);
  }

  async #resend(key: string, request: AcquireRequest): Promise<AcquireReply> {
    const { ownerToken, leaseMs, notAfter, fingerprint } = request;
    const values = [key, ownerToken, leaseMs, ...lifetimesAfterLease(request), notAfter + 1, fingerprint];
    for (let round = 0; round < maxRounds; round += 1) {
      const row = await this.#table.tryWrite(this.#statements.resend, values);
      if (row !== null) return await this.#acquiredReply(key, decodeLook(row));
      const look = await this.#table.look(key);
      // Otherwise the statement came second, under an isolation that rolls it back.
      if (!isResent(look, request)) return await this.#acquireBySwap(key, request, look);
    }
    throw contentionError();
  }

  async #acquireBySwap(key: string, request: AcquireRequest, first?: Look): Promise<AcquireReply> {
    const apply = (record: StoredRecord | null, now: number) => protocol.acquire(record, request, now);
    const { reply, record } = await this.#table.transition(key, apply, { first, before: () => request.notAfter + 1 });
    if (reply.kind !== 'acquired' || record === null || record.steps.size === 0) return reply;
    // Only now: until the swap the owner before could still record a step.
    return { ...reply, steps: await this.#table.steps(key) };
  }

  async #acquiredReply(key: string, { now, record }: Look): Promise<AcquireReply> {
    if (record === null) throw new StoreError('bug', 'A resent acquisition returned no record.');
    const steps = record.steps.size === 0 ? record.steps : await this.#table.steps(key);
    return { ...toAcquired({ ...record, steps }), now };
  }

  async renew(lease: Lease, leaseMs: number): Promise<RenewReply> {
    const row = await this.#writeAsOwner(this.#statements.renew, lease, [leaseMs, ...lifetimesAfterLease(lease)]);
    if (row !== null) return { kind: 'ok', leaseEndAt: toInteger(row.lease_end_at), now: toInteger(row.now) };
    const { reply } = await this.#table.transition<RenewReply>(
      lease.key,
      (record, now) => protocol.renew(record, lease, leaseMs, now),
      { before: ({ kind }) => (kind === 'restored' ? lease.leaseEndAt : Number.MAX_SAFE_INTEGER) },
    );
    return reply;
  }

  async complete(lease: Lease, completion: Completion): Promise<CompleteReply> {
    const { outcome, outcomeTtlMs, note, notAfter } = completion;
    const values = [outcome, outcomeTtlMs, encodeNote(note), lease.recordTtlMs];
    const row = await this.#writeAsOwner(this.#statements.complete, lease, values);
    if (row !== null) return { kind: 'ok', now: toInteger(row.now) };
    const { reply } = await this.#table.transition<CompleteReply>(
      lease.key,
      (record, now) => protocol.complete(record, lease, completion, now),
      { before: ({ kind }) => (kind === 'restored' ? notAfter : Number.MAX_SAFE_INTEGER) },
    );
    return reply;
  }

  async checkpoint(lease: Lease, request: Checkpoint): Promise<CheckpointReply> {
    const { step, seq, bytes } = request;
    for (let round = 0; round < maxRounds; round += 1) {
      const row = await this.#writeAsOwner(this.#statements.checkpoint, lease, [step, seq, bytes]);
      if (row !== null) return { kind: 'ok', now: toInteger(row.now) };
      const { now, record } = await this.#table.look(lease.key);
      const { reply } = protocol.checkpoint(record, lease, request, now);
      // `ok` here means that the statement came second, under an isolation that rolls it back.
      if (reply.kind !== 'ok') return reply;
    }
    throw contentionError();
  }

  #writeAsOwner(statement: string, lease: Lease, values: readonly SqlValue[]): Promise<SqlRow | null> {
    return this.#table.tryWrite(statement, [lease.key, lease.ownerToken, lease.fencingToken, ...values]);
  }
}

/** Whether `resend` applies: the caller holds the lease already, as far as the look shows. */
function isResent({ now, record }: Look, { ownerToken, fingerprint, notAfter }: AcquireRequest): boolean {
  if (!protocol.isLive(record, now) || record.state !== 'in_progress' || record.ownerToken !== ownerToken) return false;
  return now <= notAfter && (fingerprint === null || record.fingerprint === null || record.fingerprint === fingerprint);
}

/** How long a record outlives its lease: if it is guarded, and otherwise. */
function lifetimesAfterLease({ recordTtlMs, unknownTtlMs }: RecordRetention): [number, number] {
  return [Math.max(recordTtlMs, unknownTtlMs), recordTtlMs];
}

/** The record of a first attempt as the protocol makes it, at the time 0. The statement adds its clock to each time. */
function firstAttempt(request: AcquireRequest): StoredRecord {
  const { record } = protocol.acquire(null, { ...request, notAfter: 0 }, 0);
  if (record === null) throw new StoreError('bug', 'The protocol starts no first attempt.');
  return record;
}

function beginValues(key: string, first: StoredRecord, request: AcquireRequest): SqlValue[] {
  const dueMs = Math.min(first.expiresAt, first.leaseEndAt + first.outcomeTtlMs);
  return [key, ...encodeRow(first), request.notAfter + 1, dueMs];
}

function startedReply(first: StoredRecord, fencingToken: number, now: number): AcquireReply {
  const { leaseEndAt, firstAcquiredAt, acquiredAt } = first;
  const times = { leaseEndAt: now + leaseEndAt, firstAcquiredAt: now + firstAcquiredAt, acquiredAt: now + acquiredAt };
  return { ...toAcquired({ ...first, ...times, fencingToken }), now };
}

function toAcquired(record: StoredRecord): Acquired {
  const { leaseEndAt, steps } = record;
  return { kind: 'acquired', ...protocol.attemptFacts(record), leaseEndAt, steps };
}
