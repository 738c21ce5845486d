// The Lua script of `resolve`: a translation of `protocol/resolve.ts`.
import { maxDecisions } from '../../../../protocol/record.js';
import { defineScript } from '../lua-script.js';
import {
  computeKeyLife,
  isIntentValue,
  loadRecord,
  loadSteps,
  replyRecord,
  saveCompletedRecord,
  saveRecord,
  unlistRecord,
} from './record-fragments.js';
import { keyExpiryGraceMs } from './record-layout.js';

/** ARGV: 3. Reads `decision`. Appends it to `decisions`, and drops the oldest one beyond the limit. */
const appendDecision = `
decisions = decisions .. decision .. string.format('%.0f ', now) .. ARGV[3] .. '\\n'
local _, count = string.gsub(decisions, '\\n', '')
if count > ${maxDecisions} then decisions = string.match(decisions, '\\n(.*)$') end
`;

/**
 * Reads `recordLifeMs`. Makes the record retryable, and deletes every step that was in doubt: the decision says that none of
 * them happened.
 */
const dropIntents = `
${loadSteps}
local intents = {}
for i = 1, #steps, 2 do
  if ${isIntentValue('steps[i + 1]')} then intents[#intents + 1] = steps[i] end
end
if #steps == 2 * #intents then hasSideKey = 0 end
local wasListed = listed
state, listed, note, untilAt, leaseMsOrCompletedAt = 'r', 0, '', 0, 0
expiresAt = math.max(expiresAt, now + recordLifeMs)
${computeKeyLife}${saveRecord}
for i = 1, #intents do redis.call('HDEL', KEYS[2], intents[i]) end
${unlistRecord}
`;

/**
 * ARGV: 1 expectedFencingToken, 2 as, 3 by and reason as a JSON array, 4 recordTtlMs, 5 outcomeTtlMs (both empty: the
 * record's own), 6 the outcome's bytes, 7 note, 8 present only if there is an outcome.
 * Reply: now, then `ok`, `gone`, or `conflict record outcome`.
 */
export const resolveScript = defineScript(`
${loadRecord}
if not live then return { now, 'gone' } end
local decision = ARGV[1] .. ' ' .. ARGV[2] .. ' '
-- The last decision sent again succeeds unless somebody has acquired since: the fencing token shows it. Another person's is a conflict.
local last = string.match(decisions, '([^\\n]*)\\n$') or ''
if string.sub(last, 1, #decision) == decision then
  local at, words = string.match(last, '^(%d+) (.*)$', #decision + 1)
  if words == ARGV[3] and fence == math.max(ARGV[1] + 1, at) then return { now, 'ok' } end
end
local abandoned = state == 'p' and now >= untilAt
if (state ~= 'u' and not abandoned) or fence ~= tonumber(ARGV[1]) then return ${replyRecord('conflict')} end
local outcomeLifeMs = math.max(outcomeTtlMs, tonumber(ARGV[5]) or 0)
local recordLifeMs, leastExpiresAt = math.max(recordTtlMs, tonumber(ARGV[4]) or 0, outcomeLifeMs), expiresAt
fence = math.max(fence + 1, now)
${appendDecision}
if ARGV[2] == 'done' then
  if not ARGV[8] then outcomeLifeMs = nil end
  local outcomeKeyLifeMs = outcomeLifeMs and outcomeLifeMs + ${keyExpiryGraceMs}
  ${saveCompletedRecord}
else
  ${dropIntents}
end
return { now, 'ok' }
`);
