// What the page and the handler say to each other, as JSON.
import type { DoubtPage, RecordJson } from '@onceguard/core';
import type { OutcomeCounts, SeriesPoint } from './activity-series.js';
import type { Problem } from './problems.js';

export interface SessionReply {
  readonly name: string;
  readonly readOnly: boolean;
  readonly store: string;
}

/** Work that began in this process and has not ended. */
export interface InFlight {
  readonly recordName: string;
  readonly operation: string;
  readonly attempt: number;
  readonly since: number;
}

export interface ActivitySnapshot {
  /** When the counting began, in milliseconds since 1970. */
  readonly since: number;
  readonly operations: readonly { readonly operation: string; readonly counts: OutcomeCounts }[];
  readonly series: readonly SeriesPoint[];
  /** How long one point of the series is, in milliseconds. */
  readonly pointMs: number;
  readonly inFlight: readonly InFlight[];
  readonly inFlightCount: number;
  readonly pendingResults: number;
  /** What went wrong last, newest first. */
  readonly problems: readonly Problem[];
}

/** `leaseEndAt`: until when its lease holds, in milliseconds since 1970; null where it is not known. */
export type InFlightWork = InFlight & { readonly leaseEndAt: number | null };

export interface FindingReply {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly server: string;
  readonly message: string;
  readonly remedy: string;
}

export interface NowReply extends Omit<ActivitySnapshot, 'inFlight'> {
  readonly now: number;
  readonly inFlight: readonly InFlightWork[];
  /** Whether the store replies, as this process sees it. Null: the store does not say. */
  readonly health: { readonly state: string; readonly lastError: string | null; readonly since: number } | null;
  /** What the check of the store found. Null: the store has no check. */
  readonly findings: readonly FindingReply[] | null;
  /** False where something of this process is still to be recorded. */
  readonly drained: boolean;
  /** How many of the first records in doubt need a decision; null where the store does not reply. */
  readonly doubts: number | null;
  readonly moreDoubts: boolean;
}

export interface RecordReply {
  readonly record: RecordJson;
  readonly traceUrl: string | null;
  /** Contents are hidden until somebody asks for them. */
  readonly masked: boolean;
}

export interface DoubtsRequest {
  readonly cursor: string | null;
  readonly operation?: string;
  readonly label?: string;
  readonly olderThanMs?: number;
}

/** `now` is the clock of the server, with which the page shows how long ago something was. */
export type DoubtsReply = DoubtPage & { readonly now: number };

export interface DecideRequest {
  readonly recordName: string;
  readonly fencingToken: number;
  readonly as: 'done' | 'not_done';
  readonly reason: string;
  /** With `done`: the result that repeats get. Without it, repeats get an answer that says that the work is done. */
  readonly repeatOutcome?:
    | { readonly kind: 'response'; readonly status: number; readonly contentType: string; readonly body: string }
    | { readonly kind: 'result'; readonly json: string };
}

/** `late`: somebody else was first; `message` says who. Nothing was changed. */
export interface DecideReply {
  readonly kind: 'decided' | 'late';
  readonly message: string;
}
