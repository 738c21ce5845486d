// Invariants of a whole run: no process dies or leaves an error unhandled, and every record has a time to live.
import type { RunEvent } from '../history.js';
import { type Violation, violationOf } from '../key-history.js';

export function noUnhandledRejection(events: readonly RunEvent[]): Violation[] {
  return events.flatMap((event) => {
    const died = event.kind === 'process' && event.what === 'died';
    if (event.kind !== 'unhandled' && !died) return [];
    const why = event.kind === 'unhandled' ? event.why : `the process ${event.name} ended by itself`;
    return [violationOf('no unhandled rejection', null, why, [event])];
  });
}

/** The reply of PTTL for a key without a time to live. */
const noExpiry = -1;

export function everyRecordEnds(events: readonly RunEvent[]): Violation[] {
  return events.flatMap((event) => {
    if (event.kind !== 'key_found' || event.pttlMs !== noExpiry) return [];
    return [violationOf('ttl', null, `the key ${event.name} has no time to live`, [event])];
  });
}
