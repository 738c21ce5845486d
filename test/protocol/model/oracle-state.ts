// What the oracle knows about the owner and the outcome of its key.
import type { Acquired, RecordRetention } from '../../../packages/core/src/protocol/index.js';

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

export function flagsOf({ attempt, fencingToken, takeover, recovering, guarded, fingerprintBound }: Acquired): string {
  return [attempt, fencingToken, takeover, recovering, guarded, fingerprintBound].join(' ');
}
