// The store as this process sees it: whether it replies, what its check found, and what is in doubt.
import { drainStore, type IdempotencyStore, listDoubts, lookup } from '@onceguard/core';
import type { Activity } from './activity.js';
import type { FindingReply, InFlight, InFlightWork, NowReply } from './api-types.js';

/** What a `RedisStore` has besides what every store has. */
interface DiagnosedStore {
  health?(): { readonly state: string; readonly lastError: string | null; readonly since: number };
  check?(): Promise<readonly FindingReply[]>;
}

const checkEveryMs = 60_000;
const doubtsEveryMs = 5_000;
/** Of so many records in flight the lease is looked up. */
const maxLeases = 10;

type DoubtCount = Pick<NowReply, 'doubts' | 'moreDoubts'>;

export class StoreState {
  readonly #store: IdempotencyStore;
  readonly #activity: Activity;
  readonly #diagnosed: DiagnosedStore;
  readonly #findings: () => Promise<readonly FindingReply[] | null>;
  readonly #doubts: () => Promise<DoubtCount>;

  constructor(store: IdempotencyStore, activity: Activity) {
    this.#store = store;
    this.#activity = activity;
    this.#diagnosed = innermost(store);
    // Many pages may be open. The store is asked for all of them together.
    this.#findings = cached(checkEveryMs, async () => (await this.#diagnosed.check?.()) ?? null);
    this.#doubts = cached(doubtsEveryMs, () => countDoubts(store));
  }

  async now(): Promise<NowReply> {
    const { inFlight, ...activity } = this.#activity.snapshot();
    const [findings, drained, doubts, works] = await Promise.all([
      this.#findings(),
      drainStore(this.#store, { timeoutMs: 0 }),
      this.#doubts(),
      Promise.all(inFlight.map((work, index) => this.#withLease(work, index))),
    ]);
    const health = this.#diagnosed.health?.() ?? null;
    return { ...activity, ...doubts, now: Date.now(), health, findings, drained, inFlight: works };
  }

  async #withLease(work: InFlight, index: number): Promise<InFlightWork> {
    const view = index < maxLeases ? await lookup(this.#store, work.recordName).catch(() => null) : null;
    return { ...work, leaseEndAt: view?.leaseEndAt?.getTime() ?? null };
  }
}

function innermost(store: IdempotencyStore): DiagnosedStore {
  let inner = store;
  while (inner.wrappedStore !== undefined) inner = inner.wrappedStore;
  return inner as DiagnosedStore;
}

async function countDoubts(store: IdempotencyStore): Promise<DoubtCount> {
  try {
    const { doubts, cursor } = await listDoubts(store, { limit: 1_000, timeoutMs: 2_000 });
    return { doubts: doubts.length, moreDoubts: cursor !== null };
  } catch {
    return { doubts: null, moreDoubts: false };
  }
}

/** Calls `load` at most once in `everyMs` milliseconds; calls meanwhile share its result. */
function cached<T>(everyMs: number, load: () => Promise<T>): () => Promise<T> {
  let loadedAt = Number.NEGATIVE_INFINITY;
  let current: Promise<T> | null = null;
  return () => {
    if (current !== null && performance.now() - loadedAt < everyMs) return current;
    loadedAt = performance.now();
    current = load();
    current.catch(() => {
      current = null;
    });
    return current;
  };
}
