// The layout of a record in Redis: the table of its bytes, its keys, the index of doubts, and the error codes of the scripts.
import { recordLayout } from '../../../../protocol/record.js';

/**
 * Layout 3. A record is one string under `prefix{tag}key`, where the tag is the first two characters of the key, packed by the `struct` library of Redis' Lua. Numbers are doubles,
 * most significant byte first. Times (`…At`) are milliseconds of Redis' clock. A flag is one byte, 0 or 1. A text follows
 * its length; an empty text means "none".
 *
 * | bytes | field |
 * |-------|-------|
 * | 3     | `og3`: the mark of a record, and its layout |
 * | 8     | checksum: the first 8 hexadecimal digits of the SHA-1 of the key and of all fields after this one, without the outcome |
 * | 1     | state: `p` in progress, `w` in progress and a caller waits, `r` retryable, `u` unknown, `c` completed, `x` removed |
 * | 1 × 6 | takeover, recovering, guarded, bound (an earlier attempt set the fingerprint), hasSideKey, listed (see below) |
 * | 8 × 10 | fence, attempt, expiresAt, untilAt, leaseMsOrCompletedAt, recordTtlMs, outcomeTtlMs, unknownTtlMs, firstAcquiredAt, acquiredAt |
 * | 1 + n | owner token |
 * | 1 + n | fingerprint |
 * | 2 + n | operation |
 * | 2 + n | label |
 * | 1 + n | traceparent |
 * | 2 + n | note |
 * | 2 + n | decisions, one a line, oldest first: `fence as at ["by","reason"]` |
 * | n     | of a completed record whose outcome lives as long as the record: the outcome's bytes |
 *
 * | state       | untilAt                            | leaseMsOrCompletedAt | if hasSideKey, the value of `prefix{tag}key:more`         |
 * |-------------|------------------------------------|----------------------|-----------------------------------------------------------|
 * | in progress | leaseEndAt                         | leaseMs              | a hash of the steps: `name` to `seq:bytes`                |
 * | retryable   | 0                                  | 0                    | the same                                                  |
 * | unknown     | retryAt, 0 for none                | 0                    | the same                                                  |
 * | completed   | outcomeEndAt, 0 without an outcome | completedAt          | the outcome's bytes, which expire earlier than the record |
 * | removed     | 0                                  | 0                    | nothing                                                   |
 *
 * A script compares the times of the record with one TIME. Keys expire a minute later; their expiry only frees memory.
 * A script reads the side key only if the record's hasSideKey is 1, so values that an expired record left there are ignored.
 *
 * The index of doubts is a sorted set for each tag, under `prefix{tag}:open`. A member is the key of a record that may be in doubt,
 * now or once its lease is over; its score is the end of the lease when the attempt began, or 0 if the outcome is unknown. A listed
 * record has an entry. An entry without such a record is stale. The next list of doubts removes it. The index outlives
 * the records that it lists, by a day at most. Its member '' with the score -1 only keeps it.
 */
export const packFormat = '>c1BBBBBBddddddddddBc0Bc0Hc0Hc0Bc0Hc0Hc0';

/** Every record begins with this mark, and then the number of its layout. */
export const markPrefix = 'og';
export const recordMark = `${markPrefix}${recordLayout}`;
/** Eight digits take little room, and a damaged record passes by chance once in four billion times. */
export const checksumLength = 8;
/** The 1-based position, as Lua counts, of the first byte after the checksum. */
export const checksummedOffset = recordMark.length + checksumLength + 1;

/** The name, after the prefix, of the channel on which scripts publish the keys of attempts that have ended. */
export const completionChannel = 'ended';

/** How many characters of a record's key are its hash tag. Two of `A-Z a-z 0-9 _ -` make 4,096 tags, which a cluster can spread. */
export const tagLength = 2;

const tagCharacters = [...'-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'];

/** Every tag, in the order of keys. The key of a record may have a single character. */
export function recordTags(): string[] {
  return tagCharacters.flatMap((first) => [first, ...tagCharacters.map((second) => first + second)]);
}

/** The keys of a record: the record itself, its side key and the index that lists it. All are in one cluster slot. */
export interface RecordKeys {
  readonly record: string;
  readonly side: string;
  readonly index: string;
}

export function recordKeys(prefix: string, key: string): RecordKeys {
  const tag = key.slice(0, tagLength);
  const record = `${prefix}{${tag}}${key}`;
  return { record, side: `${record}${sideKeySuffix}`, index: indexKey(prefix, tag) };
}

/** The second key of a record ends like this. A record's own key cannot. */
const sideKeySuffix = ':more';

const indexSuffix = ':open';

export function indexKey(prefix: string, tag: string): string {
  return `${prefix}{${tag}}${indexSuffix}`;
}

/** The key of the record that has this name in Redis without the prefix, or null if it cannot be the name of one. */
export function parseRecordName(name: string): string | null {
  const [, tag = '', key = ''] = /^\{([^}]*)\}(.*)$/s.exec(name) ?? [];
  return key !== '' && tag === key.slice(0, tagLength) ? key : null;
}

/** Whether this name is that of a side key or of an index. */
export function isCompanionName(name: string): boolean {
  return name.endsWith(sideKeySuffix) || name.endsWith(`}${indexSuffix}`);
}

/** The first word of a script's error about a record that this version cannot read. */
export const newerLayoutCode = 'NEWERLAYOUT';
export const foreignKeyCode = 'FOREIGNKEY';
export const damagedRecordCode = 'DAMAGED';

/** How much longer than its record a key lives. */
export const keyExpiryGraceMs = 60_000;

/** How much longer than the record that it lists an index lives, when its expiry has to move. */
export const indexSlackMs = 86_400_000;
