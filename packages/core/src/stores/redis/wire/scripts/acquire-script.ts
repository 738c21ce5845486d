// The Lua script of `acquire`: a translation of `protocol/acquire.ts`.
import { defineScript } from '../lua-script.js';
import { extendLease } from './lease-fragments.js';
import {
  checksumOf,
  computeKeyLife,
  isIntentValue,
  listRecord,
  loadSteps,
  packRecord,
  readRecord,
  replyRecord,
  replyRecordWithoutOutcome,
  replyRecordWithSteps,
  saveRecord,
  unpackRecord,
} from './record-fragments.js';
import { keyExpiryGraceMs, packFormat, recordMark } from './record-layout.js';

/**
 * Comes after `readRecord`. Starts the first attempt where there is no record, the most frequent call by far, without the fields of one.
 * It writes what `startAttempt` and `saveRecord` would write. The reply is short: the caller knows all the rest.
 */
const acquireAbsent = `
if not raw then
  if now > tonumber(ARGV[5]) then return { now, 'superseded' } end
  local guarded, untilAt, keyLifeMs, listed = ARGV[4] == 'rerun' and 0 or 1, now + ARGV[3], ARGV[13], 0
  if guarded == 1 then ${listRecord} end
  local head = struct.pack('${packFormat}', 'p', 0, 0, guarded, 0, 0, listed,
    math.max(now, ARGV[6] + 1), 1, now + keyLifeMs - ${keyExpiryGraceMs}, untilAt, ARGV[3], ARGV[7], ARGV[8], ARGV[9], now, now,
    #ARGV[1], ARGV[1], #ARGV[2], ARGV[2], #ARGV[10], ARGV[10], #ARGV[11], ARGV[11], #ARGV[12], ARGV[12], 0, '', 0, '')
  redis.call('SET', KEYS[1], '${recordMark}' .. ${checksumOf('head')} .. head, 'PX', keyLifeMs)
  return now
end
`;

/**
 * Reads `live` and the record's fields. Defines `mode` (why this caller may run: first, resent, takeover, recovery or retry;
 * nil: it may not), `keyReused` (its payload differs from the record's), and `shouldAnnounce` (it wants a message when the
 * current attempt ends).
 */
const decideAcquisition = `
local mode, keyReused, shouldAnnounce
if not live or state == 'x' then
  mode = 'first'
elseif fingerprint ~= '' and ARGV[2] ~= '' and fingerprint ~= ARGV[2] then
  keyReused = true
elseif state == 'p' then
  if token == ARGV[1] then mode = 'resent'
  elseif now < untilAt then shouldAnnounce = ARGV[14]
  elseif guarded == 0 then mode = 'takeover'
  elseif ARGV[4] == 'recover' then mode = 'recovery' end
elseif state == 'u' then
  if token ~= ARGV[1] and ARGV[4] == 'recover' and now >= untilAt then mode = 'recovery' end
elseif state == 'r' then
  if token ~= ARGV[1] then mode = 'retry' end
end
`;

/** Marks the record as awaited. The caller gets its reply also if the server refuses the write. */
const markAwaited = `
if shouldAnnounce and not awaited then
  awaited = true
  ${packRecord}
  redis.pcall('SET', KEYS[1], head, 'KEEPTTL')
end
`;

/**
 * Reads `mode`. Sets the record's fields for a new attempt: a new owner and fencing token; what earlier attempts recorded
 * stays.
 */
const startAttempt = `
guarded = ARGV[4] == 'rerun' and 0 or 1
untilAt, leaseMsOrCompletedAt = now + ARGV[3], ARGV[3]
fence = math.max((fence or 0) + 1, now, ARGV[6] + 1)
recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
operation, acquiredAt = ARGV[10], now
local leastExpiresAt = now + ARGV[13] - ${keyExpiryGraceMs}
if mode == 'first' then
  -- A record that has expired or was removed leaves nothing but its fencing token.
  attempt, fingerprint, expiresAt, firstAcquiredAt = 1, ARGV[2], leastExpiresAt, now
  label, traceparent = ARGV[11], ARGV[12]
  awaited, bound, decisions = false, 0, ''
  keyLifeMs = ARGV[13]
else
  bound = fingerprint ~= '' and 1 or 0
  attempt, expiresAt = attempt + 1, math.max(expiresAt, leastExpiresAt)
  if ARGV[2] ~= '' then fingerprint = ARGV[2] end
  if ARGV[11] ~= '' then label = ARGV[11] end
  if ARGV[12] ~= '' or mode ~= 'recovery' then traceparent = ARGV[12] end
end
takeover = (mode == 'takeover' or mode == 'recovery') and 1 or 0
recovering = mode == 'recovery' and 1 or 0
if recovering == 0 then note = '' end
state, token = 'p', ARGV[1]
`;

/** Reads `steps`. A guarded attempt may end in doubt, and so may one that follows a step in doubt. */
const listIfDoubtful = `
local isDoubtful = guarded == 1
for i = 2, #steps, 2 do isDoubtful = isDoubtful or ${isIntentValue('steps[i]')} end
listed = 0
if isDoubtful then ${listRecord} end
`;

/**
 * ARGV: 1 owner token, 2 fingerprint, 3 leaseMs, 4 onAbandoned, 5 notAfter, 6 lastSeenFencingToken, 7 recordTtlMs,
 * 8 outcomeTtlMs, 9 unknownTtlMs, 10 operation, 11 label, 12 traceparent, 13 how long the key of a new record lives in milliseconds,
 * 14 present only if the end of the current attempt is to be published.
 * Reply: now alone (there was no record, and the caller knows what was written), or now, then `acquired record nil (step value)…`,
 * `superseded`, or `refused record outcome`.
 */
export const acquireScript = defineScript(`
${readRecord}${acquireAbsent}${unpackRecord}${decideAcquisition}${markAwaited}
if keyReused then return ${replyRecordWithoutOutcome('refused')} end
if not mode then return ${replyRecord('refused')} end
if now > tonumber(ARGV[5]) then return { now, 'superseded' } end
if mode == 'first' then hasSideKey = 0 end
${loadSteps}
if mode == 'resent' then
  local leaseMs, plainTtlMs, guardedTtlMs = tonumber(ARGV[3]), ARGV[7], math.max(ARGV[7], ARGV[9])
  ${extendLease}
else
  ${startAttempt}
end
if not keyLifeMs then ${computeKeyLife} end
${listIfDoubtful}${saveRecord}${replyRecordWithSteps('acquired')}
return reply
`);
