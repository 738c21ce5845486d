// What the oracle knows about the owner and the outcome of its key.
import {
  type Acquired,
  attemptFacts,
  type RecordRetention,
  type ResolveRequest,
} from '../../../packages/core/src/protocol/index.js';

export interface Owner {
  readonly ownerToken: string;
  readonly fencingToken: number;
  readonly flags: string;
  readonly guarded: boolean;
  readonly recovering: boolean;
  readonly fingerprintBound: boolean;
  end: number;
}

export interface CompletedWork {
  readonly text: string | null;
  readonly outcomeEnd: number;
  readonly lifeEnd: number;
}

export function lifetimeMs(retention: RecordRetention, doubtful: boolean): number {
  return doubtful ? Math.max(retention.recordTtlMs, retention.unknownTtlMs) : retention.recordTtlMs;
}

export function flagsOf(reply: Acquired): string {
  return JSON.stringify(attemptFacts(reply));
}

/** What makes a decision the same one as another: the doubt, and who says what about it, and why. */
export function wordsOf({ expectedFencingToken, as, by, reason }: ResolveRequest) {
  return { expectedFencingToken, as, by, reason };
}
