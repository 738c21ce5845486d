// The port: the operations that every store implements. Each operation is one atomic step at the backend.
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
  TimestampedReply,
} from '../protocol/messages.js';
import type { StoredRecord } from '../protocol/record.js';

/**
 * A store keeps records under keys and changes them by the rules of the protocol. It knows bytes, and neither HTTP nor JSON.
 *
 * - **Atomic.** An operation reads, decides and writes in one step, and no other operation comes between. A read followed by a separate
 *   write does not satisfy this contract, however short the time between them.
 * - **Safe to repeat.** A call whose reply was lost is repeated with the same owner token, and recognises its own work.
 * - **The store's clock.** `now` in every reply is the store's clock at the moment of the decision. No time of a caller decides anything.
 * - **Replies are data.** Every exception is a `StoreError`. It means only that the store did not reply or rejected the call. Its class
 *   says whether the call may have been executed.
 * - **A store never evicts.** A full store rejects calls (`unavailable`, or `misconfigured` if an operator has to act); it never drops a
 *   live or completed record. It rejects `acquire` first. An attempt that has begun can still be renewed, released, and completed without
 *   an outcome. The `refusal` of the error says if the same call with fewer bytes may succeed.
 *
 * Keys are names that the engine derived (1 to 128 of `A-Z a-z 0-9 _ -`), never a string of a client. `docs/protocol.md` has the
 * transition table. `storeSuite` of `@onceguard/testing` tests a store against this contract.
 */
export interface IdempotencyStore {
  /** Names the store in events and error messages, such as `redis`. */
  readonly name: string;
  /** The deadline of one call, in milliseconds. Callers repeat a call within it. */
  readonly callTimeoutMs: number;
  /** How much this process keeps for the store while it cannot be reached. Whatever is left out has its default. */
  readonly retryQueueLimits?: RetryQueueLimits | undefined;
  /**
   * Only of a store around another one: the store inside. Both share what this process still has to record, so that `drainStore` of
   * either waits for everything. The limits of the store inside apply.
   */
  readonly wrappedStore?: IdempotencyStore | undefined;

  /** Grants the right to run under this key, or replies why the caller may not run. */
  acquire(key: string, request: AcquireRequest): Promise<AcquireReply>;
  /** Makes the lease end at least `leaseMs` milliseconds from now. */
  renew(lease: Lease, leaseMs: number): Promise<RenewReply>;
  /** Records one step of the work. */
  checkpoint(lease: Lease, checkpoint: Checkpoint): Promise<CheckpointReply>;
  /** Records the outcome and ends the attempt. */
  complete(lease: Lease, completion: Completion): Promise<CompleteReply>;
  /** Ends the attempt without an outcome. */
  release(holder: LeaseIdentity, request: ReleaseRequest): Promise<ReleaseReply>;
  /** Decides an outcome that is unknown. */
  resolve(key: string, request: ResolveRequest): Promise<ResolveReply>;

  /** Reads a record, for people and tools, and to learn the store's clock. No caller decides anything by it. */
  read(key: string): Promise<ReadReply>;
  /** Reads a page of records, of all or of those in doubt, in no order. It is no snapshot: a record that changes meanwhile may be missing or appear twice. */
  scan(request: ScanRequest): Promise<ScanPage>;
  /** Removes the record. Its fencing token stays for an hour, so that late messages of its owners change nothing. */
  remove(key: string): Promise<TimestampedReply>;
  /** Closes what the store itself opened. Later calls fail as `misconfigured`. */
  close(): Promise<void>;

  /**
   * Optional. The store calls `listener` with the key of a record when an attempt ended for which some caller waited (`notifyOnEnd`),
   * in whatever process it ran. The notification is only a hint: it may be lost, late or without cause. So waiting callers still poll.
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

export interface ReadReply extends TimestampedReply {
  /** The record as the store keeps it; null if it is absent or has expired. A tombstone has no outcome. */
  readonly record: StoredRecord | null;
}

export interface ScanRequest {
  /** The cursor of the page before; null for the first page. */
  readonly cursor: string | null;
  /** The approximate maximum of records in a page. */
  readonly limit: number;
  /**
   * True: only the records that are in doubt (`isInDoubt` of `idempotencyProtocol`). The cost of a page then follows how many records may
   * come into doubt (`mayComeIntoDoubt`), not how many are stored, and every record is found that is in doubt throughout. The cursors
   * differ from those of a scan of all records. Default: false.
   */
  readonly inDoubt?: boolean | undefined;
}

export interface ScanPage extends TimestampedReply {
  readonly records: readonly { readonly key: string; readonly record: StoredRecord }[];
  /** How many keys of this page look like records and cannot be read: they are foreign, damaged, or of a newer version. */
  readonly skipped: number;
  /** The cursor of the next page; null after the last one. */
  readonly cursor: string | null;
}
