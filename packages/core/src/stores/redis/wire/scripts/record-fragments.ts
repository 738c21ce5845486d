// The record on disk, and how scripts read and write it: what every script is made of.
import { maxFencingToken } from '../../../../protocol/argument-checks.js';
import { recordLayout } from '../../../../protocol/record.js';

/**
 * Layout 2, as it lies on disk. A record is one string, `prefix{key}`, packed by Redis' own `struct`. Numbers are doubles,
 * most significant byte first; times (`…At`) are milliseconds of Redis' clock; flags are one byte, 0 or 1; a text stands
 * behind its length, and an empty one is "none".
 *
 * | bytes | of a record |
 * |-------|-------------|
 * | 3     | `og2`: what it is, and its layout |
 * | 8     | checksum: SHA-1 of the record's name and all that follows but the outcome, its first 8 hexadecimal digits |
 * | 1     | state: `p` in progress, `w` the same and somebody waits, `r` retryable, `u` unknown, `c` completed, `x` removed |
 * | 1 × 5 | takeover, recovering, guarded, bound, more: something lies beside it |
 * | 8 × 8 | fence, attempt, expiresAt, untilAt, extra, recordTtlMs, outcomeTtlMs, unknownTtlMs |
 * | 1 + n | token |
 * | 1 + n | fingerprint |
 * | 2 + n | note |
 * | 2 + n | decisions, one a line, oldest first: `fence as at ["by","reason"]` |
 * | n     | of a completed record whose outcome lives as long as itself: the outcome's bytes |
 *
 * | state       | untilAt                              | extra       | `more`: beside it lies, under `prefix{key}:more` |
 * |-------------|--------------------------------------|-------------|--------------------------------------------------|
 * | in progress | leaseEndAt                           | leaseMs     | a hash of the steps: `name` to `seq:bytes`       |
 * | retryable   | 0                                    | 0           | the same                                         |
 * | unknown     | retryAt, 0 for none                  | 0           | the same                                         |
 * | completed   | outcomeEndAt, 0 without an outcome   | completedAt | the outcome's bytes, where they go earlier       |
 * | removed     | 0                                    | 0           | nothing                                          |
 *
 * The record decides, compared with one TIME per script. Keys expire a minute later; that is housekeeping only. What lies
 * beside a record counts while the record says so: what an earlier life has left there is never looked at.
 */
const packFormat = '>c1BBBBBddddddddBc0Bc0Hc0Hc0';

/** What a record begins with: whose it is, and in which layout. */
const markPrefix = 'og';
export const recordMark = `${markPrefix}${recordLayout}`;
/** Long enough that no damage passes by chance, and short on disk. */
export const checksumLength = 8;
const checksummedOffset = recordMark.length + checksumLength + 1;

/** Behind the prefix: the channel that says which records are not in progress any more. */
export const completionChannel = 'ended';

/** The key beside a record, in the same slot. */
export function sideKey(key: string): string {
  return `${key}:more`;
}

/** What a script begins an error with, when the record is not one that this version may touch. */
export const newerLayoutCode = 'NEWERLAYOUT';
export const foreignKeyCode = 'FOREIGNKEY';
export const damagedRecordCode = 'DAMAGED';

export const keyExpiryGraceMs = 60_000;

/*
 * The parts below are put into the scripts as text, and share these local variables. They are no functions, and there are
 * no tables: to make a dozen closures and a table of fields costs Redis several times what the call itself does.
 *
 * Nothing may fail between two writes, since there is no rollback. A full server refuses the first write of a script
 * only, so the first is one that it would refuse (SET, HSET), unless the script makes the record smaller.
 */

/** Ends a script: the record fails its check. Nothing has been written. */
export const replyDamaged = (why: string) => `return redis.error_reply('${damagedRecordCode} The record ${why}')`;

/** An expression: the checksum of `head`. The name is in it, so that a record copied to another key does not pass. */
const checksumOf = (head: string) => `string.sub(redis.sha1hex(name .. ${head}), 1, ${checksumLength})`;

/**
 * KEYS: 1 the record, 2 what lies beside it. Defines `name`, `now`, `raw` (false: absent), `live`, and the record's fields,
 * which are nil of an absent one; `awaited` of one in progress, for whose end somebody waits; `outcomeAt`, where its outcome
 * begins.
 */
export const loadRecordOrElse = (onDamaged: string) => `
local name = string.match(KEYS[1], '{(.*)}$')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local raw, live = redis.call('GET', KEYS[1]), false
local sound, state, awaited, takeover, recovering, guarded, bound, more
local fence, attempt, expiresAt, untilAt, extra, recordTtlMs, outcomeTtlMs, unknownTtlMs
local token, fingerprint, note, decisions, outcomeAt
if raw then
  if string.sub(raw, 1, ${recordMark.length}) ~= '${recordMark}' then
    if string.sub(raw, 1, ${markPrefix.length}) ~= '${markPrefix}' then
      return redis.error_reply('${foreignKeyCode} The key holds a string that is no record')
    end
    return redis.error_reply('${newerLayoutCode} The record has a layout that this version does not know')
  end
  sound, state, takeover, recovering, guarded, bound, more,
    fence, attempt, expiresAt, untilAt, extra, recordTtlMs, outcomeTtlMs, unknownTtlMs,
    token, fingerprint, note, decisions, outcomeAt = pcall(struct.unpack, '${packFormat}', raw, ${checksummedOffset})
  if not sound or fence > ${maxFencingToken} or (#raw >= outcomeAt and (state ~= 'c' or more == 1)) or
    string.sub(raw, ${recordMark.length + 1}, ${checksummedOffset - 1}) ~= ${checksumOf(`string.sub(raw, ${checksummedOffset}, outcomeAt - 1)`)} then
    ${onDamaged}
  else
    live = now < expiresAt
    awaited = state == 'w'
    if awaited then state = 'p' end
  end
end
`;

export const loadRecord = loadRecordOrElse(replyDamaged('fails its checksum'));

/** Defines `head`: the fields as a record without an outcome. */
export const packRecord = `
local head = struct.pack('${packFormat}',
  awaited and state == 'p' and 'w' or state, takeover, recovering, guarded, bound, more,
  fence, attempt, expiresAt, untilAt, extra, recordTtlMs, outcomeTtlMs, unknownTtlMs,
  #token, token, #fingerprint, fingerprint, #note, note, #decisions, decisions)
head = '${recordMark}' .. ${checksumOf('head')} .. head
`;

/** Defines `steps`, each name with its value: there are none of a completed record, and some of one that says so. */
export const loadSteps = `
local hasSteps = more == 1 and state ~= 'c'
local steps = hasSteps and redis.call('HGETALL', KEYS[2]) or {}
if hasSteps and #steps == 0 then ${replyDamaged('has lost its steps')} end
`;

/**
 * Tells those who wait that nobody is at work any more. Whoever may not publish does the rest all the same: announcements
 * are a courtesy. The prefix and the name are taken from the key, which a client may have put something before.
 */
const publishCompletion = `
if awaited and state ~= 'p' then
  redis.pcall('PUBLISH', string.match(KEYS[1], '^(.*){') .. '${completionChannel}', name)
end
`;

/**
 * Before a record is written over that needs no more room, or hardly more: a full server takes a DEL, and then the SET behind it. Without
 * it a lease ends and a failure is forgotten while the server is full.
 */
export const makeRoom = `
redis.call('DEL', KEYS[1])
`;

/** Writes a record that is not completed. Its steps live as long as it does. */
export const saveRecord = `
${packRecord}
raw = head
redis.call('SET', KEYS[1], raw, 'PX', expiresAt + ${keyExpiryGraceMs} - now)
if more == 1 then redis.call('PEXPIREAT', KEYS[2], expiresAt + ${keyExpiryGraceMs}) end
${publishCompletion}`;

/**
 * Writes the record with its outcome and without steps. Uses `lifeMs`, how long it lives from now on, until `leastExpiresAt`
 * at least, and `keptMs`, how long its outcome does (nil: there is none). ARGV: 6 bytes, 7 note.
 */
export const saveCompletedRecord = `
local hadMore = more
state, note, extra = 'c', ARGV[7], now
expiresAt = math.max(now + lifeMs, leastExpiresAt)
untilAt = keptMs and now + keptMs or 0
more = keptMs and untilAt < expiresAt and 1 or 0
if more == 1 then redis.call('SET', KEYS[2], ARGV[6], 'PX', keptMs + ${keyExpiryGraceMs}) end
if not keptMs then redis.call('DEL', KEYS[1], KEYS[2]) end
${packRecord}
if keptMs and more == 0 then head = head .. ARGV[6] end
redis.call('SET', KEYS[1], head, 'PX', expiresAt + ${keyExpiryGraceMs} - now)
if hadMore > more then redis.call('DEL', KEYS[2]) end
${publishCompletion}`;

/**
 * An expression: a reply with the record as it stands, of which the client tells the rest by the protocol itself, and the
 * bytes that lie beside it.
 */
export const replyRecord = (kind: string) =>
  `{ now, '${kind}', raw, state == 'c' and more == 1 and now < untilAt and redis.call('GET', KEYS[2]) }`;

/** An expression: the same without the outcome, for a caller who may not have it. */
export const replyRecordWithoutOutcome = (kind: string) =>
  `{ now, '${kind}', string.sub(raw, 1, outcomeAt - 1), false }`;

/** Defines `reply`: the record, and behind it its `steps`. */
export const replyRecordWithSteps = (kind: string) => `
local reply = ${replyRecord(kind)}
for i = 1, #steps do reply[#reply + 1] = steps[i] end
`;
