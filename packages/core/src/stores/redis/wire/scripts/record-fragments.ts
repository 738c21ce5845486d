// Lua fragments that load, save and return a record. Every script is composed of them.
import { maxFencingToken } from '../../../../protocol/argument-checks.js';
import {
  checksumLength,
  checksummedOffset,
  completionChannel,
  damagedRecordCode,
  foreignKeyCode,
  indexSlackMs,
  keyExpiryGraceMs,
  markPrefix,
  newerLayoutCode,
  packFormat,
  recordMark,
} from './record-layout.js';

/*
 * The fragments are inserted into the scripts as text and communicate through shared local variables. They are neither Lua
 * functions nor tables: to create a dozen closures and a table of fields costs Redis several times what the call itself does.
 *
 * Redis cannot roll back a script, so no command may fail between two writes. A full server refuses only the first write
 * of a script. Therefore the first write is one that a full server refuses (SET, HSET), unless the script makes the record
 * smaller.
 *
 * The record's fields are local variables: state, takeover, recovering, guarded, bound, hasSideKey, listed, fence, attempt,
 * expiresAt, untilAt, leaseMsOrCompletedAt, recordTtlMs, outcomeTtlMs, unknownTtlMs, firstAcquiredAt, acquiredAt, token,
 * fingerprint, operation, label, traceparent, note, decisions.
 */

/** A statement: ends the script because the record is damaged. It comes before the first write. */
export const replyDamaged = (damage: string) => `return redis.error_reply('${damagedRecordCode} The record ${damage}')`;

/**
 * An expression: the digits of a time. Lua's own conversion of a number takes longer than the command that needs it. `%d` alone would
 * overflow where a C long has 32 bits.
 */
const digits = (time: string) => `string.format('%d%06d', ${time} / 1e6, ${time} % 1e6)`;

/** An expression: the checksum of `head`. It includes the key, so that a record copied to another key fails its check. */
export const checksumOf = (head: string) => `string.sub(redis.sha1hex(name .. ${head}), 1, ${checksumLength})`;

/**
 * KEYS: 1 record, 2 side key, 3 index of doubts. Every script of a verb has these.
 * Defines `name` (the record's key without prefix), `now` and `raw` (false if there is no record).
 */
export const readRecord = `
local name = string.match(KEYS[1], '}(.*)$')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local raw = redis.call('GET', KEYS[1])
`;

/**
 * Comes after `readRecord`. Defines `live` (the record has not expired), the record's fields (nil without a record), `awaited` (a caller
 * waits for the end of the current attempt), and `outcomeAt` (the position of the outcome in `raw`). Declares `keyLifeMs`.
 */
export const unpackRecordOrElse = (onDamaged: string) => `
local live = false
local unpacked, state, awaited, takeover, recovering, guarded, bound, hasSideKey, listed
local fence, attempt, expiresAt, untilAt, leaseMsOrCompletedAt, recordTtlMs, outcomeTtlMs, unknownTtlMs
local firstAcquiredAt, acquiredAt, token, fingerprint, operation, label, traceparent, note, decisions, outcomeAt, keyLifeMs
if raw then
  if string.sub(raw, 1, ${recordMark.length}) ~= '${recordMark}' then
    if string.sub(raw, 1, ${markPrefix.length}) ~= '${markPrefix}' then
      return redis.error_reply('${foreignKeyCode} The key holds a string that is not a record')
    end
    return redis.error_reply('${newerLayoutCode} The record has a layout that this version does not know')
  end
  unpacked, state, takeover, recovering, guarded, bound, hasSideKey, listed,
    fence, attempt, expiresAt, untilAt, leaseMsOrCompletedAt, recordTtlMs, outcomeTtlMs, unknownTtlMs,
    firstAcquiredAt, acquiredAt, token, fingerprint, operation, label, traceparent, note, decisions, outcomeAt = pcall(struct.unpack, '${packFormat}', raw, ${checksummedOffset})
  if not unpacked or fence > ${maxFencingToken} or (#raw >= outcomeAt and (state ~= 'c' or hasSideKey == 1)) or
    string.sub(raw, ${recordMark.length + 1}, ${checksummedOffset - 1}) ~= ${checksumOf(`string.sub(raw, ${checksummedOffset}, outcomeAt - 1)`)} then
    ${onDamaged}
  else
    live = now < expiresAt
    awaited = state == 'w'
    if awaited then state = 'p' end
  end
end
`;

/** As `unpackRecordOrElse`. A damaged record ends the script. */
export const unpackRecord = unpackRecordOrElse(replyDamaged('fails its checksum'));

export const loadRecord = `${readRecord}${unpackRecord}`;

/** Reads the record's fields and `awaited`. Defines `head`: the packed record without an outcome. */
export const packRecord = `
local head = struct.pack('${packFormat}',
  awaited and state == 'p' and 'w' or state, takeover, recovering, guarded, bound, hasSideKey, listed,
  fence, attempt, expiresAt, untilAt, leaseMsOrCompletedAt, recordTtlMs, outcomeTtlMs, unknownTtlMs,
  firstAcquiredAt, acquiredAt, #token, token, #fingerprint, fingerprint, #operation, operation, #label, label,
  #traceparent, traceparent, #note, note, #decisions, decisions)
head = '${recordMark}' .. ${checksumOf('head')} .. head
`;

/**
 * Reads `hasSideKey` and `state`. Defines `steps`: a list of names, each followed by its value. A completed record has no
 * steps. A record whose steps are missing is damaged.
 */
export const loadSteps = `
local hasSteps = hasSideKey == 1 and state ~= 'c'
local steps = hasSteps and redis.call('HGETALL', KEYS[2]) or {}
if hasSteps and #steps == 0 then ${replyDamaged('has lost its steps')} end
`;

/**
 * Publishes the key once the attempt has ended, if a caller waits. A refused PUBLISH does not fail the script: the message is
 * only a hint. The prefix comes from KEYS[1], because a client may have put a `keyPrefix` of its own before it.
 */
const publishCompletion = `
if awaited and state ~= 'p' then
  redis.pcall('PUBLISH', string.match(KEYS[1], '^(.*){') .. '${completionChannel}', name)
end
`;

/**
 * Deletes the record before a new version of about the same size is written. A full server accepts DEL, and then the SET
 * after it in the same script. Without it, a full server would refuse renewals and releases: leases would end, and failures
 * would not be recorded.
 */
export const makeRoom = `
redis.call('DEL', KEYS[1])
`;

/**
 * Reads the record's fields and `keyLifeMs`. Enters the record in the index of doubts, before the record is written: an entry without a
 * record does no harm, a record without its entry would not be found. The index never expires before the record. It keeps an empty
 * member and lives a day longer than it must, so that not every attempt creates, expires and deletes it.
 */
export const listRecord = `
listed = 1
redis.call('ZADD', KEYS[3], ${digits('untilAt')}, name)
if redis.call('PTTL', KEYS[3]) - keyLifeMs < 0 then
  redis.call('ZADD', KEYS[3], '-1', '')
  redis.call('PEXPIRE', KEYS[3], keyLifeMs + ${indexSlackMs})
end
`;

/**
 * The same for an attempt that has begun, after its record was written. A refusal of the index must not fail a renewal, or the record of
 * an unknown outcome; a full server refuses nothing after that write.
 */
export const listWrittenRecord = `
redis.pcall('ZADD', KEYS[3], state == 'u' and '0' or ${digits('untilAt')}, name)
local indexLifeMs = redis.pcall('PTTL', KEYS[3])
if type(indexLifeMs) == 'number' and indexLifeMs < keyLifeMs then
  redis.pcall('PEXPIRE', KEYS[3], keyLifeMs + ${indexSlackMs})
end
`;

/** Reads `wasListed`. Comes after the record was written. A refusal leaves a stale entry, and must not fail what has been recorded. */
export const unlistRecord = `
if wasListed == 1 then redis.pcall('ZREM', KEYS[3], name) end
`;

/** An expression: whether `value`, that of a step, is an intent. Its seq is odd. */
export const isIntentValue = (value: string) => `string.match(${value}, '^%d*[13579]:')`;

/** Reads `expiresAt`. Sets `keyLifeMs`: how long the key of the record lives from now on. */
export const computeKeyLife = `
keyLifeMs = expiresAt + ${keyExpiryGraceMs} - now
`;

/** Reads the record's fields and `keyLifeMs`. Writes a record that is not completed; its steps expire with it. Sets `raw`. */
export const saveRecord = `
${packRecord}
raw = head
redis.call('SET', KEYS[1], raw, 'PX', keyLifeMs)
if hasSideKey == 1 then redis.call('PEXPIREAT', KEYS[2], expiresAt + ${keyExpiryGraceMs}) end
${publishCompletion}`;

/**
 * ARGV: 6 the outcome's bytes, 7 note.
 * Reads the record's fields, `recordLifeMs` (how long the record lives from now on), `leastExpiresAt` (it does not expire
 * earlier), `outcomeLifeMs` (how long the outcome is kept; nil: there is no outcome) and `outcomeKeyLifeMs` (how long its key lives).
 * `keyLifeMs` may have how long the key of the record lives. Writes the completed record with its outcome and without steps.
 */
export const saveCompletedRecord = `
local hadSideKey, wasListed = hasSideKey, listed
listed = 0
state, note, leaseMsOrCompletedAt = 'c', ARGV[7], now
expiresAt = math.max(now + recordLifeMs, leastExpiresAt)
if not keyLifeMs or expiresAt == leastExpiresAt then ${computeKeyLife} end
untilAt = outcomeLifeMs and now + outcomeLifeMs or 0
hasSideKey = outcomeLifeMs and untilAt < expiresAt and 1 or 0
if hasSideKey == 1 then redis.call('SET', KEYS[2], ARGV[6], 'PX', outcomeKeyLifeMs) end
if not outcomeLifeMs then redis.call('DEL', KEYS[1], KEYS[2]) end
${packRecord}
if outcomeLifeMs and hasSideKey == 0 then head = head .. ARGV[6] end
redis.call('SET', KEYS[1], head, 'PX', keyLifeMs)
if hadSideKey > hasSideKey then redis.call('DEL', KEYS[2]) end
${unlistRecord}${publishCompletion}`;

/**
 * An expression: a reply of `now`, the kind, the raw record, and the outcome's bytes under the side key or false. The client
 * derives the rest with `protocol/standing.ts`.
 */
export const replyRecord = (kind: string) =>
  `{ now, '${kind}', raw, state == 'c' and hasSideKey == 1 and now < untilAt and redis.call('GET', KEYS[2]) }`;

/** An expression: the same reply without the outcome, for a caller with another payload. */
export const replyRecordWithoutOutcome = (kind: string) =>
  `{ now, '${kind}', string.sub(raw, 1, outcomeAt - 1), false }`;

/** Reads `steps`. Defines `reply`: the reply of `replyRecord`, followed by the steps. */
export const replyRecordWithSteps = (kind: string) => `
local reply = ${replyRecord(kind)}
for i = 1, #steps do reply[#reply + 1] = steps[i] end
`;
