// A store that writes down every question and every answer, and passes them on as they are.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { type IdempotencyStore, StoreError } from '@onceguard/core';
import type {
  AcquireAnswer,
  AcquireRequest,
  Checkpoint,
  Completion,
  Holder,
  Lease,
  Release,
  Resolve,
  Standing,
} from '@onceguard/core/store';
import type { HistoryWriter, Told, Verb } from './history.js';
import { watched } from './watched.js';

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

type Facts = Partial<Pick<Told, FactName>>;
type FactName = 'fence' | 'leaseEndAt' | 'attempt' | 'takeover' | 'guarded' | 'digest' | 'completedBy' | 'completedAt';

interface Question {
  readonly verb: Verb;
  readonly token?: string | undefined;
  readonly fence?: number | undefined;
  readonly as?: string | undefined;
  readonly digest?: string | null | undefined;
}

interface Answer {
  readonly now: number;
  readonly kind?: string;
}

export class RecordingStore implements IdempotencyStore {
  readonly name: string;
  readonly capabilities: IdempotencyStore['capabilities'];
  readonly timeoutMs: number;
  readonly scan: IdempotencyStore['scan'];
  readonly close: IdempotencyStore['close'];
  readonly #open = new Set<number>();

  constructor(
    private readonly inner: IdempotencyStore,
    private readonly history: HistoryWriter,
  ) {
    this.name = inner.name;
    this.capabilities = inner.capabilities;
    this.timeoutMs = inner.timeoutMs;
    this.scan = async (request) => await inner.scan(request);
    this.close = async () => await inner.close();
  }

  /** How many questions are still open. */
  get open(): number {
    return this.#open.size;
  }

  async acquire(key: string, request: AcquireRequest) {
    const call = callNow();
    call.name = key;
    const { token } = request;
    return await this.#ask({ verb: 'acquire', token }, () => this.inner.acquire(key, request), acquireFacts);
  }

  async renew(lease: Lease, leaseMs: number) {
    const { token, fence, guarded } = lease;
    return await this.#ask(
      { verb: 'renew', token, fence },
      () => this.inner.renew(lease, leaseMs),
      (answer) => ('leaseEndAt' in answer ? { guarded, leaseEndAt: answer.leaseEndAt } : {}),
    );
  }

  async checkpoint(lease: Lease, point: Checkpoint) {
    const { token, fence } = lease;
    return await this.#ask({ verb: 'checkpoint', token, fence }, () => this.inner.checkpoint(lease, point), noFacts);
  }

  async complete(lease: Lease, completion: Completion) {
    const { token, fence } = lease;
    const digest = digestOf(completion.outcome);
    return await this.#ask(
      { verb: 'complete', token, fence, digest },
      () => this.inner.complete(lease, completion),
      (answer) => ('standing' in answer ? standingFacts(answer.standing) : answer.kind === 'gone' ? {} : { digest }),
    );
  }

  async release(holder: Holder, how: Release) {
    const { token, fence } = holder;
    const question = { verb: 'release', token, fence: fence ?? undefined, as: how.as } as const;
    return await this.#ask(question, () => this.inner.release(holder, how), noFacts);
  }

  async resolve(key: string, request: Resolve) {
    const { expectFence: fence, as } = request;
    return await this.#ask(
      { verb: 'resolve', fence, as },
      () => this.inner.resolve(key, request),
      ({ kind }) => (kind === 'ok' && as === 'done' ? { digest: digestOf(request.outcome) } : {}),
    );
  }

  async read(key: string) {
    return await this.#ask({ verb: 'read' }, () => this.inner.read(key), noFacts);
  }

  async remove(key: string) {
    return await this.#ask({ verb: 'remove' }, () => this.inner.remove(key), noFacts);
  }

  async #ask<Told extends Answer>(question: Question, send: () => Promise<Told>, facts: (told: Told) => Facts) {
    const { verb, token, fence } = question;
    const call = callNow();
    const ask = nextAsk();
    const subject = { key: call.key, call: call.call, verb, ask, token, fence };
    this.history.write({ ...subject, ...question, kind: 'asked' });
    this.#open.add(ask);
    const late = (deadlineMs: number) =>
      this.history.write({ kind: 'late', key: call.key, call: call.call, what: verb, ask, deadlineMs });
    try {
      const told = await watched(this.timeoutMs, late, send());
      call.now = told.now;
      this.history.write({ ...subject, kind: 'told', answer: told.kind ?? 'ok', now: told.now, ...facts(told) });
      return told;
    } catch (error) {
      const storeClass = error instanceof StoreError ? error.class : 'none';
      this.history.write({ ...subject, kind: 'failed', class: storeClass, why: String(error).slice(0, 200) });
      throw error;
    } finally {
      this.#open.delete(ask);
    }
  }
}

let asks = 0;

function nextAsk(): number {
  asks += 1;
  return asks;
}

function callNow(): CallContext {
  const call = currentCall.getStore();
  if (call === undefined) throw new Error('The store was asked outside of any call.');
  return call;
}

function noFacts(): Facts {
  return {};
}

function acquireFacts(answer: AcquireAnswer): Facts {
  if (answer.kind === 'superseded') return {};
  if (answer.kind !== 'acquired') return standingFacts(answer);
  const { fence, attempt, takeover, guarded, leaseEndAt } = answer;
  return { fence, attempt, takeover, guarded, leaseEndAt };
}

function standingFacts(standing: Standing): Facts {
  switch (standing.kind) {
    case 'completed': {
      const { outcome, fence: completedBy, completedAt } = standing;
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
