// `protocol/acquire.ts` in Lua.
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

/** Defines `how` this caller comes to run, or nil; whether its payload `differs`; and whether it `waits` until somebody has ended. */
const decideAcquisition = `
local how, differs, waits
if not live or state == 'x' then
  how = 'first'
elseif fingerprint ~= '' and ARGV[2] ~= '' and fingerprint ~= ARGV[2] then
  differs = true
elseif state == 'p' then
  if token == ARGV[1] then how = 'resent'
  elseif now < untilAt then waits = ARGV[10]
  elseif guarded == 0 then how = 'takeover'
  elseif ARGV[4] == 'recover' then how = 'recovering' end
elseif state == 'u' then
  if token ~= ARGV[1] and ARGV[4] == 'recover' and now >= untilAt then how = 'recovering' end
elseif state == 'r' then
  if token ~= ARGV[1] then how = 'again' end
end
`;

/** Where the server takes no writes, a caller is told all the same that somebody is at work. */
const markAwaited = `
if waits and not awaited then
  awaited = true
  ${packRecord}
  redis.pcall('SET', KEYS[1], head, 'KEEPTTL')
end
`;

/** The next attempt, or the first: what was recorded stays, the owner and the fencing token are new. */
const startAttempt = `
guarded = ARGV[4] == 'rerun' and 0 or 1
untilAt, extra = now + ARGV[3], ARGV[3]
fence = math.max((fence or 0) + 1, now, ARGV[6] + 1)
recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local endsAt = untilAt + (guarded == 1 and math.max(recordTtlMs, unknownTtlMs) or recordTtlMs)
if how == 'first' then
  -- Nothing of a life that ended is taken over.
  attempt, fingerprint, expiresAt = 1, ARGV[2], endsAt
  awaited, bound, decisions = false, 0, ''
else
  bound = fingerprint ~= '' and 1 or 0
  attempt, expiresAt = attempt + 1, math.max(expiresAt, endsAt)
  if ARGV[2] ~= '' then fingerprint = ARGV[2] end
end
takeover = (how == 'takeover' or how == 'recovering') and 1 or 0
recovering = how == 'recovering' and 1 or 0
if recovering == 0 then note = '' end
state, token = 'p', ARGV[1]
`;

/**
 * KEYS: 1 record, 2 beside it.
 * ARGV: 1 token, 2 fingerprint, 3 leaseMs, 4 onAbandoned, 5 notAfter, 6 fenceSeen, 7 recordTtlMs, 8 outcomeTtlMs,
 * 9 unknownTtlMs, 10 only where the end of whoever is at work shall be announced.
 * Reply: now and `acquired record nil (step value)…`, `superseded`, or `refused record bytes`.
 */
export const acquireScript = defineScript(`
${loadRecord}${decideAcquisition}${markAwaited}
if differs then return ${replyRecordWithoutOutcome('refused')} end
if not how then return ${replyRecord('refused')} end
if now > tonumber(ARGV[5]) then return { now, 'superseded' } end
if how == 'first' then more = 0 end
${loadSteps}
if how == 'resent' then
  local leaseMs, plainTtlMs, guardedTtlMs = tonumber(ARGV[3]), ARGV[7], math.max(ARGV[7], ARGV[9])
  ${extendLease}
else
  ${startAttempt}
end
${saveRecord}${replyRecordWithSteps('acquired')}
return reply
`);
