// The port: what a store must be able to do. Each verb is one atomic step at the backend.
import type {
  AcquireReply,
  AcquireRequest,
  Checkpoint,
  CheckpointReply,
  CompleteReply,
  Completion,
  Lease,
  LeaseIdentity,
  ReleaseReply,
  ReleaseRequest,
  RenewReply,
  ResolveReply,
  ResolveRequest,
} from '../protocol/messages.js';
import type { StoredRecord } from '../protocol/record.js';

/**
 * A store keeps records and moves them by the protocol: bytes under names, never HTTP or JSON.
 *
 * - **Atomic.** A verb reads, decides and writes in one step that nothing comes between. A verb that reads and then
 *   writes is not a store, however fast it is.
 * - **Safe to repeat.** A call whose reply was lost is repeated with the same owner token and recognises its own work.
 * - **Its own clock.** `now` in every answer is the store's clock at the moment of the decision. No time of the caller
 *   decides anything.
 * - **Answers are data.** An exception is always a `StoreError` and means only that the store did not answer or
 *   refused; its class says whether the call may have been executed.
 * - **A ledger, not a heap.** A store that is full refuses (`unavailable`, or `misconfigured` where an operator has to
 *   act); it never drops a live or completed record. It refuses `acquire` first: what has begun can still be renewed, released, and
 *   completed without an outcome. Where fewer bytes may do, the error's `refusal` says so.
 *
 * Keys are names that the engine derived (1 to 128 of `A-Z a-z 0-9 _ -`), never a client's string. `docs/protocol.md`
 * has the transition table; `storeSuite` of `@onceguard/testing` proves a store.
 */
export interface IdempotencyStore {
  /** What events call the store. */
  readonly name: string;
  /** The deadline of one call in milliseconds; callers repeat and wait within it. */
  readonly callTimeoutMs: number;
  /** How much this process keeps for the store while it cannot be reached. Whatever is left out has its default. */
  readonly retryQueueLimits?: RetryQueueLimits | undefined;
  /**
   * Only of a store around another one: the store inside. Both share what this process still has to record, so that `drainStore` of
   * either waits for everything. The limits of the store inside apply.
   */
  readonly wrappedStore?: IdempotencyStore | undefined;

  acquire(key: string, request: AcquireRequest): Promise<AcquireReply>;
  renew(lease: Lease, leaseMs: number): Promise<RenewReply>;
  checkpoint(lease: Lease, point: Checkpoint): Promise<CheckpointReply>;
  complete(lease: Lease, completion: Completion): Promise<CompleteReply>;
  release(holder: LeaseIdentity, how: ReleaseRequest): Promise<ReleaseReply>;
  resolve(key: string, request: ResolveRequest): Promise<ResolveReply>;

  /** For people and tools, and for learning the store's clock; never for decisions. */
  read(key: string): Promise<ReadReply>;
  /** A page of records, in no order. Not a snapshot: what changes meanwhile may be missed or seen twice. */
  scan(request: ScanRequest): Promise<ScanPage>;
  /** Removes the record; its fencing token stays for an hour, so that late messages of its owners change nothing. */
  remove(key: string): Promise<{ readonly now: number }>;
  /** Gives back what the store itself opened. Calls after it are refused. */
  close(): Promise<void>;

  /**
   * Only of stores that can: `listener` is called with the key of each record that somebody waited for (`awaited`) and at which
   * nobody is any more, in whatever process that was. A hint and no more: it may be lost, come late, or without cause, so
   * whoever waits still looks for itself.
   */
  onAttemptEnded?(listener: (key: string) => void): void;
}

/**
 * Bounds the queues of store calls that outlive their request and are retried: one queue of outcomes, one of leases to be released,
 * for each store in each process.
 */
export interface RetryQueueLimits {
  /** How many calls each queue holds. An outcome beyond them is not recorded (`recorded_late` says so). Default 10 000. */
  readonly maxCalls?: number | undefined;
  /** How many bytes of outcomes the queue keeps. Beyond them only the fact is recorded that the work is done. Default 67 108 864. */
  readonly maxBytes?: number | undefined;
}

export interface ReadReply {
  readonly now: number;
  /** As it is kept: null when absent or gone. A tombstone has no outcome. */
  readonly record: StoredRecord | null;
}

export interface ScanRequest {
  /** From the page before; null for the first. */
  readonly cursor: string | null;
  /** About how many records a page holds at most. */
  readonly limit: number;
}

export interface ScanPage {
  readonly now: number;
  readonly records: readonly { readonly key: string; readonly record: StoredRecord }[];
  /** How many keys of this page look like records and cannot be read: of somebody else, damaged, or of a newer version. */
  readonly skipped: number;
  /** null: that was the last page. */
  readonly cursor: string | null;
}
