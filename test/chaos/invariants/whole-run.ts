// What must hold of a run as a whole: every process ends when told and not before, and every record has an end.
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

/** What PTTL says of a key without an end. */
const endless = -1;

export function everyRecordEnds(events: readonly RunEvent[]): Violation[] {
  return events.flatMap((event) => {
    if (event.kind !== 'scanned' || event.pttlMs !== endless) return [];
    return [violationOf('ttl', null, `the key ${event.name} has no time to live`, [event])];
  });
}
