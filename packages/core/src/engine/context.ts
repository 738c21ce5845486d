// What an operation is told about its execution.
import { v5 as uuidv5 } from 'uuid';

export interface OperationContext {
  /** The idempotency key, as the caller gave it. */
  readonly key: string;
  /** 1 for the first execution of this key; higher after an attempt that failed or was abandoned. */
  readonly attempt: number;
  /** The attempt before this one was abandoned: what it did, nobody knows. */
  readonly takeover: boolean;
  /** Grows with every execution of this key; a system that keeps the highest can refuse an owner of old. 0 on a bypass. */
  readonly fencingToken: number;
  /** Aborts, with a `LeaseLostError`, when the lease is lost or over. Do not act any more then. */
  readonly signal: AbortSignal;
  /**
   * A key to hand to another system for the part of the work called `name`: a UUIDv5 (RFC 9562) of the record's name, the
   * same over attempts and processes.
   */
  deriveKey(name: string): string;
}

/** The UUIDv5 namespace of keys derived here. */
const namespace = '5b1f6b52-6a0e-5c1c-9d7b-0f3f6d6f3a1e';

export function deriveKey(recordName: string, name: string): string {
  return uuidv5(name, uuidv5(recordName, namespace));
}
