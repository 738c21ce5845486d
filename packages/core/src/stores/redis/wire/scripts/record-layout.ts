// The layout of a record in Redis: the table of its bytes, its keys, and the error codes of the scripts.
import { recordLayout } from '../../../../protocol/record.js';

/**
 * Layout 2. A record is one string under `prefix{key}`, packed by the `struct` library of Redis' Lua. Numbers are doubles,
 * most significant byte first. Times (`…At`) are milliseconds of Redis' clock. A flag is one byte, 0 or 1. A text follows
 * its length; an empty text means "none".
 *
 * | bytes | field |
 * |-------|-------|
 * | 3     | `og2`: the mark of a record, and its layout |
 * | 8     | checksum: the first 8 hexadecimal digits of the SHA-1 of the key and of all fields after this one, without the outcome |
 * | 1     | state: `p` in progress, `w` in progress and a caller waits, `r` retryable, `u` unknown, `c` completed, `x` removed |
 * | 1 × 5 | takeover, recovering, guarded, bound (an earlier attempt set the fingerprint), hasSideKey |
 * | 8 × 8 | fence, attempt, expiresAt, untilAt, leaseMsOrCompletedAt, recordTtlMs, outcomeTtlMs, unknownTtlMs |
 * | 1 + n | owner token |
 * | 1 + n | fingerprint |
 * | 2 + n | note |
 * | 2 + n | decisions, one a line, oldest first: `fence as at ["by","reason"]` |
 * | n     | of a completed record whose outcome lives as long as the record: the outcome's bytes |
 *
 * | state       | untilAt                            | leaseMsOrCompletedAt | if hasSideKey, the value of `prefix{key}:more`            |
 * |-------------|------------------------------------|----------------------|-----------------------------------------------------------|
 * | in progress | leaseEndAt                         | leaseMs              | a hash of the steps: `name` to `seq:bytes`                |
 * | retryable   | 0                                  | 0                    | the same                                                  |
 * | unknown     | retryAt, 0 for none                | 0                    | the same                                                  |
 * | completed   | outcomeEndAt, 0 without an outcome | completedAt          | the outcome's bytes, which expire earlier than the record |
 * | removed     | 0                                  | 0                    | nothing                                                   |
 *
 * A script compares the times of the record with one TIME. Keys expire a minute later; their expiry only frees memory.
 * A script reads the side key only if the record's hasSideKey is 1, so values that an expired record left there are ignored.
 */
export const packFormat = '>c1BBBBBddddddddBc0Bc0Hc0Hc0';

/** Every record begins with this mark, and then the number of its layout. */
export const markPrefix = 'og';
export const recordMark = `${markPrefix}${recordLayout}`;
/** Eight digits take little room, and a damaged record passes by chance once in four billion times. */
export const checksumLength = 8;
/** The 1-based position, as Lua counts, of the first byte after the checksum. */
export const checksummedOffset = recordMark.length + checksumLength + 1;

/** The name, after the prefix, of the channel on which scripts publish the keys of attempts that have ended. */
export const completionChannel = 'ended';

/** The second key of a record, in the same cluster slot. */
export function sideKey(key: string): string {
  return `${key}:more`;
}

/** The first word of a script's error about a record that this version cannot read. */
export const newerLayoutCode = 'NEWERLAYOUT';
export const foreignKeyCode = 'FOREIGNKEY';
export const damagedRecordCode = 'DAMAGED';

/** How much longer than its record a key lives. */
export const keyExpiryGraceMs = 60_000;
