// `release` of `protocol/owner.ts` in Lua.
import { script } from '../script.js';
import { life } from './life.js';
import { holder, ownership } from './owner.js';
import { record } from './record.js';

/** Defines `released`. */
const released = `
local function released(r)
  local unknown = how.as == 'unknown' or (how.as == 'not_started' and r.recovering)
  local note = how.as == 'unknown' and how.note or r.note
  r.state, r.note, r.retryAt = unknown and 'unknown' or 'retryable', unknown and note or '', ''
  if unknown and how.retryAfterMs then r.retryAt = digits(now + how.retryAfterMs) end
  r.expiresAt = math.max(r.expiresAt, lifeEnd(now, unknown, lease))
  return r
end
`;

/**
 * KEYS: 1 record, 2 outcome. ARGV: 1 to 4 holder, 5 as, 6 retryAfterMs, 7 note.
 * Reply: now and `ok`, `lost` or `gone`.
 */
export const releaseScript = script(`
${holder}
local how = { as = ARGV[5], retryAfterMs = tonumber(ARGV[6]), note = ARGV[7] }
${record}${life}${ownership}${released}
local mine = live(record) and record.token == lease.token
if mine and (how.as == 'not_started' or record.fence == lease.fence) then
  if record.state == 'retryable' or record.state == 'unknown' then return answer('ok') end
  if record.state == 'in_progress' then
    write(released(record))
    return answer('ok')
  end
end
return answer(losesTo(record) and 'gone' or 'lost')
`);
