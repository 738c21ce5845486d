// `protocol/resolve.ts` in Lua: resolve and remove.
import { removedTtlMs } from '../../protocol/record.js';
import { script } from '../script.js';
import { completed, life } from './life.js';
import { record, stepMark, writeCompleted } from './record.js';
import { standing } from './standing.js';

/**
 * KEYS: 1 record, 2 outcome.
 * ARGV: 1 expectFence, 2 as, 3 by and reason as a JSON array, 4 whether there are bytes, 5 bytes, 6 outcomeTtlMs,
 * 7 note, 8 recordTtlMs, 9 unknownTtlMs.
 * Reply: now and `ok`, `gone`, or `conflict` with what stands there.
 */
export const resolveScript = script(`
local request = {
  expectFence = tonumber(ARGV[1]), as = ARGV[2], kept = ARGV[4] == '1', outcome = ARGV[5],
  outcomeTtlMs = tonumber(ARGV[6]), note = ARGV[7], recordTtlMs = tonumber(ARGV[8]), unknownTtlMs = tonumber(ARGV[9]),
}
${record}${life}${completed}${writeCompleted}${standing}
if not live(record) then return answer('gone') end
local decision = ARGV[1] .. ' ' .. request.as .. ' '
if string.sub(record.resolved, 1, #decision) == decision then return answer('ok') end
local abandoned = record.state == 'in_progress' and now >= record.leaseEndAt
if (record.state ~= 'unknown' and not abandoned) or record.fence ~= request.expectFence then
  return answer('conflict', unpack(standing(record, '')))
end
record.fence, record.resolved = math.max(record.fence + 1, now), decision .. ARGV[3]
if request.as == 'done' then
  writeCompleted(completed(record, request, request), request)
  return answer('ok')
end
record.state, record.note, record.retryAt = 'retryable', '', ''
record.expiresAt = math.max(record.expiresAt, lifeEnd(now, false, request))
write(record)
-- The decision is about every step that was in doubt: an odd seq with nothing after it.
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local isIntent = string.match(fields[i + 1], '^%d*[13579]:')
  if isIntent and string.sub(fields[i], 1, 1) == '${stepMark}' then redis.call('HDEL', KEYS[1], fields[i]) end
end
return answer('ok')
`);

/** KEYS: 1 record, 2 outcome. ARGV: none. Reply: now and `ok`. */
export const removeScript = script(`
${record}
if live(record) then
  redis.call('DEL', KEYS[1], KEYS[2])
  write({ state = 'removed', fence = record.fence, expiresAt = now + ${removedTtlMs} })
end
return answer('ok')
`);
