// The Lua script of `acquire`: a translation of `protocol/acquire.ts`.
import { defineScript } from '../lua-script.js';
import { extendLease } from './lease-fragments.js';
import {
  loadRecord,
  loadSteps,
  packRecord,
  replyRecord,
  replyRecordWithoutOutcome,
  replyRecordWithSteps,
  saveRecord,
} from './record-fragments.js';

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
  elseif now < untilAt then shouldAnnounce = ARGV[10]
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
local leastExpiresAt = untilAt + (guarded == 1 and math.max(recordTtlMs, unknownTtlMs) or recordTtlMs)
if mode == 'first' then
  -- A record that has expired or was removed leaves nothing but its fencing token.
  attempt, fingerprint, expiresAt = 1, ARGV[2], leastExpiresAt
  awaited, bound, decisions = false, 0, ''
else
  bound = fingerprint ~= '' and 1 or 0
  attempt, expiresAt = attempt + 1, math.max(expiresAt, leastExpiresAt)
  if ARGV[2] ~= '' then fingerprint = ARGV[2] end
end
takeover = (mode == 'takeover' or mode == 'recovery') and 1 or 0
recovering = mode == 'recovery' and 1 or 0
if recovering == 0 then note = '' end
state, token = 'p', ARGV[1]
`;

/**
 * KEYS: 1 record, 2 side key.
 * ARGV: 1 owner token, 2 fingerprint, 3 leaseMs, 4 onAbandoned, 5 notAfter, 6 lastSeenFencingToken, 7 recordTtlMs,
 * 8 outcomeTtlMs, 9 unknownTtlMs, 10 present only if the end of the current attempt is to be published.
 * Reply: now, then `acquired record nil (step value)…`, `superseded`, or `refused record outcome`.
 */
export const acquireScript = defineScript(`
${loadRecord}${decideAcquisition}${markAwaited}
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
${saveRecord}${replyRecordWithSteps('acquired')}
return reply
`);
