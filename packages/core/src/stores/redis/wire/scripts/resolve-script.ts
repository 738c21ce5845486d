// `protocol/resolve.ts` in Lua: resolve and remove.
import { maxDecisions, restoreWindowMs } from '../../../../protocol/record.js';
import { defineScript } from '../lua-script.js';
import {
  loadRecord,
  loadRecordOrElse,
  loadSteps,
  replyRecord,
  saveCompletedRecord,
  saveRecord,
} from './record-fragments.js';

/** Adds the decision to those of before, of which the oldest goes where there are too many. */
const appendDecision = `
decisions = decisions .. decision .. string.format('%.0f ', now) .. ARGV[3] .. '\\n'
local _, count = string.gsub(decisions, '\\n', '')
if count > ${maxDecisions} then decisions = string.match(decisions, '\\n(.*)$') end
`;

/** The decision is about every step that was in doubt: an odd seq with nothing after it. */
const dropIntents = `
${loadSteps}
local inDoubt = {}
for i = 1, #steps, 2 do
  if string.match(steps[i + 1], '^%d*[13579]:') then inDoubt[#inDoubt + 1] = steps[i] end
end
if #steps == 2 * #inDoubt then more = 0 end
state, note, untilAt, extra = 'r', '', 0, 0
expiresAt = math.max(expiresAt, now + lifeMs)
${saveRecord}
for i = 1, #inDoubt do redis.call('HDEL', KEYS[2], inDoubt[i]) end
`;

/**
 * KEYS: 1 record, 2 beside it.
 * ARGV: 1 expectFence, 2 as, 3 by and reason as a JSON array, 4 recordTtlMs, 5 outcomeTtlMs (both empty: the record's own),
 * 6 bytes, 7 note, 8 only where there is an outcome.
 * Reply: now and `ok`, `gone`, or `conflict record bytes`.
 */
export const resolveScript = defineScript(`
${loadRecord}
if not live then return { now, 'gone' } end
local decision = ARGV[1] .. ' ' .. ARGV[2] .. ' '
-- The last decision again, and nobody has acquired since: the fencing token is still the one that it left.
local last = string.match(decisions, '([^\\n]*)\\n$') or ''
if string.sub(last, 1, #decision) == decision then
  local at = tonumber(string.match(last, '^%d+', #decision + 1))
  if fence == math.max(ARGV[1] + 1, at) then return { now, 'ok' } end
end
local abandoned = state == 'p' and now >= untilAt
if (state ~= 'u' and not abandoned) or fence ~= tonumber(ARGV[1]) then return ${replyRecord('conflict')} end
local keptMs = math.max(outcomeTtlMs, tonumber(ARGV[5]) or 0)
local lifeMs, leastExpiresAt = math.max(recordTtlMs, tonumber(ARGV[4]) or 0, keptMs), expiresAt
fence = math.max(fence + 1, now)
${appendDecision}
if ARGV[2] == 'done' then
  if not ARGV[8] then keptMs = nil end
  ${saveCompletedRecord}
else
  ${dropIntents}
end
return { now, 'ok' }
`);

/** Of a damaged record not even the fencing token is known; store time is above those of its owners. */
const loadRecordEvenIfDamaged = loadRecordOrElse(`live, state, fence = true, 'r', now`);

/** KEYS: 1 record, 2 beside it. ARGV: none. Reply: now and `ok`. A damaged record is removed, too. */
export const removeScript = defineScript(`
${loadRecordEvenIfDamaged}
if live then
  redis.call('DEL', KEYS[1], KEYS[2])
  expiresAt = math.max(now, state == 'p' and untilAt or 0) + ${restoreWindowMs}
  state, takeover, recovering, guarded, bound, more = 'x', 0, 0, 0, 0, 0
  recordTtlMs, outcomeTtlMs, unknownTtlMs = 0, 0, 0
  attempt, untilAt, extra, token, fingerprint, note, decisions = 0, 0, 0, '', '', '', ''
  ${saveRecord}
end
return { now, 'ok' }
`);
