// A store that records every call and every reply in the history, and passes them on unchanged.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { type IdempotencyStore, StoreError } from '@onceguard/core';
import type {
  AcquireReply,
  AcquireRequest,
  Checkpoint,
  Completion,
  Lease,
  LeaseIdentity,
  ReleaseRequest,
  ResolveRequest,
  Standing,
} from '@onceguard/core/store';
import type { HistoryWriter, StoreReplied, Verb } from './history.js';
import { watchDeadline } from './watch-deadline.js';

/** The call of `executeIdempotently` that a store call belongs to. Its background calls belong to it too. */
export interface CallContext {
  readonly key: string;
  readonly call: string;
  /** The key of the record at the store, once the call has acquired it. */
  storeKey: string | null;
  /** The last store time that the call received. */
  now: number;
}

export const currentCall = new AsyncLocalStorage<CallContext>();

type ReplyFacts = Partial<Pick<StoreReplied, FactName>>;
type FactName =
  | 'fencingToken'
  | 'leaseEndAt'
  | 'attempt'
  | 'takeover'
  | 'guarded'
  | 'digest'
  | 'completedBy'
  | 'completedAt';

interface StoreCall {
  readonly verb: Verb;
  readonly ownerToken?: string | undefined;
  readonly fencingToken?: number | undefined;
  readonly as?: string | undefined;
  readonly digest?: string | null | undefined;
}

interface StoreReply {
  readonly now: number;
  readonly kind?: string;
}

export class RecordingStore implements IdempotencyStore {
  readonly name: string;
  readonly callTimeoutMs: number;
  readonly scan: IdempotencyStore['scan'];
  readonly close: IdempotencyStore['close'];
  readonly #pendingCalls = new Set<number>();

  constructor(
    private readonly inner: IdempotencyStore,
    private readonly history: HistoryWriter,
  ) {
    this.name = inner.name;
    this.callTimeoutMs = inner.callTimeoutMs;
    this.scan = async (request) => await inner.scan(request);
    this.close = async () => await inner.close();
  }

  /** How many store calls have not ended yet. */
  get pendingCalls(): number {
    return this.#pendingCalls.size;
  }

  async acquire(key: string, request: AcquireRequest) {
    const call = callContext();
    call.storeKey = key;
    const { ownerToken } = request;
    return await this.#record({ verb: 'acquire', ownerToken }, () => this.inner.acquire(key, request), acquireFacts);
  }

  async renew(lease: Lease, leaseMs: number) {
    const { ownerToken, fencingToken, guarded } = lease;
    return await this.#record(
      { verb: 'renew', ownerToken, fencingToken },
      () => this.inner.renew(lease, leaseMs),
      (reply) => ('leaseEndAt' in reply ? { guarded, leaseEndAt: reply.leaseEndAt } : {}),
    );
  }

  async checkpoint(lease: Lease, checkpoint: Checkpoint) {
    const { ownerToken, fencingToken } = lease;
    return await this.#record(
      { verb: 'checkpoint', ownerToken, fencingToken },
      () => this.inner.checkpoint(lease, checkpoint),
      noFacts,
    );
  }

  async complete(lease: Lease, completion: Completion) {
    const { ownerToken, fencingToken } = lease;
    const digest = digestOf(completion.outcome);
    return await this.#record(
      { verb: 'complete', ownerToken, fencingToken, digest },
      () => this.inner.complete(lease, completion),
      (reply) => ('standing' in reply ? standingFacts(reply.standing) : reply.kind === 'gone' ? {} : { digest }),
    );
  }

  async release(holder: LeaseIdentity, request: ReleaseRequest) {
    const { ownerToken, fencingToken } = holder;
    const storeCall = { verb: 'release', ownerToken, fencingToken: fencingToken ?? undefined, as: request.as } as const;
    return await this.#record(storeCall, () => this.inner.release(holder, request), noFacts);
  }

  async resolve(key: string, request: ResolveRequest) {
    const { expectedFencingToken: fencingToken, as } = request;
    return await this.#record(
      { verb: 'resolve', fencingToken, as },
      () => this.inner.resolve(key, request),
      ({ kind }) => (kind === 'ok' && as === 'done' ? { digest: digestOf(request.outcome) } : {}),
    );
  }

  async read(key: string) {
    return await this.#record({ verb: 'read' }, () => this.inner.read(key), noFacts);
  }

  async remove(key: string) {
    return await this.#record({ verb: 'remove' }, () => this.inner.remove(key), noFacts);
  }

  async #record<Reply extends StoreReply>(
    storeCall: StoreCall,
    send: () => Promise<Reply>,
    factsOf: (reply: Reply) => ReplyFacts,
  ) {
    const { verb, ownerToken, fencingToken } = storeCall;
    const call = callContext();
    const storeCallId = nextStoreCallId();
    const base = { key: call.key, call: call.call, verb, storeCallId, ownerToken, fencingToken };
    this.history.write({ ...base, ...storeCall, kind: 'store_call' });
    this.#pendingCalls.add(storeCallId);
    const onOverdue = (deadlineMs: number) =>
      this.history.write({ kind: 'overdue', key: call.key, call: call.call, what: verb, storeCallId, deadlineMs });
    try {
      const reply = await watchDeadline(this.callTimeoutMs, onOverdue, send());
      const { kind = 'ok', now } = reply;
      call.now = now;
      this.history.write({ ...base, kind: 'store_reply', reply: kind, now, ...factsOf(reply) });
      return reply;
    } catch (error) {
      const storeClass = error instanceof StoreError ? error.class : 'none';
      this.history.write({ ...base, kind: 'store_call_failed', class: storeClass, why: String(error).slice(0, 200) });
      throw error;
    } finally {
      this.#pendingCalls.delete(storeCallId);
    }
  }
}

let lastStoreCallId = 0;

function nextStoreCallId(): number {
  lastStoreCallId += 1;
  return lastStoreCallId;
}

function callContext(): CallContext {
  const call = currentCall.getStore();
  if (call === undefined) throw new Error('The store was called outside of any call of executeIdempotently.');
  return call;
}

function noFacts(): ReplyFacts {
  return {};
}

function acquireFacts(reply: AcquireReply): ReplyFacts {
  if (reply.kind === 'superseded') return {};
  if (reply.kind !== 'acquired') return standingFacts(reply);
  const { fencingToken, attempt, takeover, guarded, leaseEndAt } = reply;
  return { fencingToken, attempt, takeover, guarded, leaseEndAt };
}

function standingFacts(standing: Standing): ReplyFacts {
  switch (standing.kind) {
    case 'completed': {
      const { outcome, fencingToken: completedBy, completedAt } = standing;
      return { digest: digestOf(outcome), completedBy, completedAt };
    }
    case 'expired':
      return { digest: null };
    default:
      return {};
  }
}

export function digestOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
