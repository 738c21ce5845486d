// A store that writes down every question and every answer, and passes them on as they are.
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

/** The call of `execute` that a question comes from. What is asked in its background comes from it as well. */
export interface CallContext {
  readonly key: string;
  readonly call: string;
  /** What the record is called at the store, once it has been asked for. */
  name: string | null;
  /** The last time of the store that it was told. */
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

  /** How many questions are still open. */
  get pendingCalls(): number {
    return this.#pendingCalls.size;
  }

  async acquire(key: string, request: AcquireRequest) {
    const call = callContext();
    call.name = key;
    const { ownerToken } = request;
    return await this.#record({ verb: 'acquire', ownerToken }, () => this.inner.acquire(key, request), acquireFacts);
  }

  async renew(lease: Lease, leaseMs: number) {
    const { ownerToken, fencingToken, guarded } = lease;
    return await this.#record(
      { verb: 'renew', ownerToken, fencingToken },
      () => this.inner.renew(lease, leaseMs),
      (answer) => ('leaseEndAt' in answer ? { guarded, leaseEndAt: answer.leaseEndAt } : {}),
    );
  }

  async checkpoint(lease: Lease, point: Checkpoint) {
    const { ownerToken, fencingToken } = lease;
    return await this.#record(
      { verb: 'checkpoint', ownerToken, fencingToken },
      () => this.inner.checkpoint(lease, point),
      noFacts,
    );
  }

  async complete(lease: Lease, completion: Completion) {
    const { ownerToken, fencingToken } = lease;
    const digest = digestOf(completion.outcome);
    return await this.#record(
      { verb: 'complete', ownerToken, fencingToken, digest },
      () => this.inner.complete(lease, completion),
      (answer) => ('standing' in answer ? standingFacts(answer.standing) : answer.kind === 'gone' ? {} : { digest }),
    );
  }

  async release(holder: LeaseIdentity, how: ReleaseRequest) {
    const { ownerToken, fencingToken } = holder;
    const question = { verb: 'release', ownerToken, fencingToken: fencingToken ?? undefined, as: how.as } as const;
    return await this.#record(question, () => this.inner.release(holder, how), noFacts);
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

  async #record<Told extends StoreReply>(
    question: StoreCall,
    send: () => Promise<Told>,
    facts: (told: Told) => ReplyFacts,
  ) {
    const { verb, ownerToken, fencingToken } = question;
    const call = callContext();
    const storeCallId = nextStoreCallId();
    const subject = { key: call.key, call: call.call, verb, storeCallId: storeCallId, ownerToken, fencingToken };
    this.history.write({ ...subject, ...question, kind: 'asked' });
    this.#pendingCalls.add(storeCallId);
    const late = (deadlineMs: number) =>
      this.history.write({ kind: 'late', key: call.key, call: call.call, what: verb, storeCallId, deadlineMs });
    try {
      const told = await watchDeadline(this.callTimeoutMs, late, send());
      call.now = told.now;
      this.history.write({ ...subject, kind: 'told', reply: told.kind ?? 'ok', now: told.now, ...facts(told) });
      return told;
    } catch (error) {
      const storeClass = error instanceof StoreError ? error.class : 'none';
      this.history.write({ ...subject, kind: 'failed', class: storeClass, why: String(error).slice(0, 200) });
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
  if (call === undefined) throw new Error('The store was asked outside of any call.');
  return call;
}

function noFacts(): ReplyFacts {
  return {};
}

function acquireFacts(answer: AcquireReply): ReplyFacts {
  if (answer.kind === 'superseded') return {};
  if (answer.kind !== 'acquired') return standingFacts(answer);
  const { fencingToken, attempt, takeover, guarded, leaseEndAt } = answer;
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
