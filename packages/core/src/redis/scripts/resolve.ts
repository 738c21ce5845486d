// `protocol/resolve.ts` in Lua: resolve and remove.
import { removedTtlMs } from '../../protocol/record.js';
import { script } from '../script.js';
import { completed, opened, told, written } from './record.js';

/** The decision is about every step that was in doubt: an odd seq with nothing after it. */
const settled = `
local steps = more == 1 and redis.call('HGETALL', KEYS[2]) or {}
for i = 1, #steps, 2 do
  if string.match(steps[i + 1], '^%d*[13579]:') then redis.call('HDEL', KEYS[2], steps[i]) end
end
`;

/**
 * KEYS: 1 record, 2 beside it.
 * ARGV: 1 expectFence, 2 as, 3 by and reason as a JSON array, 4 recordTtlMs, 5 outcomeTtlMs (empty: no outcome), 6 bytes,
 * 7 note.
 * Reply: now and `ok`, `gone`, or `conflict record bytes`.
 */
export const resolveScript = script(`
${opened}
if not live then return { now, 'gone' } end
local decision = ARGV[1] .. ' ' .. ARGV[2] .. ' '
if string.sub(resolved, 1, #decision) == decision then return { now, 'ok' } end
local abandoned = state == 'p' and now >= untilAt
if (state ~= 'u' and not abandoned) or fence ~= tonumber(ARGV[1]) then return ${told('conflict')} end
fence, resolved = math.max(fence + 1, now), decision .. ARGV[3]
if ARGV[2] == 'done' then
  local leastExpiresAt = 0
  ${completed}
else
  state, note, untilAt, extra = 'r', '', 0, 0
  expiresAt = math.max(expiresAt, now + ARGV[4])
  ${written}${settled}
end
return { now, 'ok' }
`);

/** KEYS: 1 record, 2 beside it. ARGV: none. Reply: now and `ok`. */
export const removeScript = script(`
${opened}
if live then
  redis.call('DEL', KEYS[1], KEYS[2])
  state, takeover, recovering, guarded, more = 'x', 0, 0, 0, 0
  attempt, untilAt, extra, token, fingerprint, note, resolved = 0, 0, 0, '', '', '', ''
  expiresAt = now + ${removedTtlMs}
  ${written}
end
return { now, 'ok' }
`);
