// Lua fragments that load, save and return a record. Every script is composed of them.
import { maxFencingToken } from '../../../../protocol/argument-checks.js';
import {
  checksumLength,
  checksummedOffset,
  completionChannel,
  damagedRecordCode,
  foreignKeyCode,
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
 * The record's fields are local variables: state, takeover, recovering, guarded, bound, hasSideKey, fence, attempt,
 * expiresAt, untilAt, leaseMsOrCompletedAt, recordTtlMs, outcomeTtlMs, unknownTtlMs, token, fingerprint, note, decisions.
 */

/** A statement: ends the script because the record is damaged. It comes before the first write. */
export const replyDamaged = (damage: string) => `return redis.error_reply('${damagedRecordCode} The record ${damage}')`;

/** An expression: the checksum of `head`. It includes the key, so that a record copied to another key fails its check. */
const checksumOf = (head: string) => `string.sub(redis.sha1hex(name .. ${head}), 1, ${checksumLength})`;

/**
 * KEYS: 1 record, 2 side key.
 * Defines `name` (the record's key without prefix), `now`, `raw` (false if there is no record), `live` (the record has not
 * expired), the record's fields (nil without a record), `awaited` (a caller waits for the end of the current attempt), and
 * `outcomeAt` (the position of the outcome in `raw`).
 */
export const loadRecordOrElse = (onDamaged: string) => `
local name = string.match(KEYS[1], '{(.*)}$')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local raw, live = redis.call('GET', KEYS[1]), false
local unpacked, state, awaited, takeover, recovering, guarded, bound, hasSideKey
local fence, attempt, expiresAt, untilAt, leaseMsOrCompletedAt, recordTtlMs, outcomeTtlMs, unknownTtlMs
local token, fingerprint, note, decisions, outcomeAt
if raw then
  if string.sub(raw, 1, ${recordMark.length}) ~= '${recordMark}' then
    if string.sub(raw, 1, ${markPrefix.length}) ~= '${markPrefix}' then
      return redis.error_reply('${foreignKeyCode} The key holds a string that is not a record')
    end
    return redis.error_reply('${newerLayoutCode} The record has a layout that this version does not know')
  end
  unpacked, state, takeover, recovering, guarded, bound, hasSideKey,
    fence, attempt, expiresAt, untilAt, leaseMsOrCompletedAt, recordTtlMs, outcomeTtlMs, unknownTtlMs,
    token, fingerprint, note, decisions, outcomeAt = pcall(struct.unpack, '${packFormat}', raw, ${checksummedOffset})
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

/** As `loadRecordOrElse`. A damaged record ends the script. */
export const loadRecord = loadRecordOrElse(replyDamaged('fails its checksum'));

/** Reads the record's fields and `awaited`. Defines `head`: the packed record without an outcome. */
export const packRecord = `
local head = struct.pack('${packFormat}',
  awaited and state == 'p' and 'w' or state, takeover, recovering, guarded, bound, hasSideKey,
  fence, attempt, expiresAt, untilAt, leaseMsOrCompletedAt, recordTtlMs, outcomeTtlMs, unknownTtlMs,
  #token, token, #fingerprint, fingerprint, #note, note, #decisions, decisions)
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

/** Reads the record's fields. Writes a record that is not completed, and gives its steps the same expiry. Sets `raw`. */
export const saveRecord = `
${packRecord}
raw = head
redis.call('SET', KEYS[1], raw, 'PX', expiresAt + ${keyExpiryGraceMs} - now)
if hasSideKey == 1 then redis.call('PEXPIREAT', KEYS[2], expiresAt + ${keyExpiryGraceMs}) end
${publishCompletion}`;

/**
 * ARGV: 6 the outcome's bytes, 7 note.
 * Reads the record's fields, `recordLifeMs` (how long the record lives from now on), `leastExpiresAt` (it does not expire
 * earlier) and `outcomeLifeMs` (how long the outcome is kept; nil: there is no outcome). Writes the completed record with
 * its outcome and without steps.
 */
export const saveCompletedRecord = `
local hadSideKey = hasSideKey
state, note, leaseMsOrCompletedAt = 'c', ARGV[7], now
expiresAt = math.max(now + recordLifeMs, leastExpiresAt)
untilAt = outcomeLifeMs and now + outcomeLifeMs or 0
hasSideKey = outcomeLifeMs and untilAt < expiresAt and 1 or 0
if hasSideKey == 1 then redis.call('SET', KEYS[2], ARGV[6], 'PX', outcomeLifeMs + ${keyExpiryGraceMs}) end
if not outcomeLifeMs then redis.call('DEL', KEYS[1], KEYS[2]) end
${packRecord}
if outcomeLifeMs and hasSideKey == 0 then head = head .. ARGV[6] end
redis.call('SET', KEYS[1], head, 'PX', expiresAt + ${keyExpiryGraceMs} - now)
if hadSideKey > hasSideKey then redis.call('DEL', KEYS[2]) end
${publishCompletion}`;

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
