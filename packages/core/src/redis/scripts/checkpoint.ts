// `checkpoint` of `protocol/owner.ts` in Lua.
import { script } from '../script.js';
import { lease, ownership } from './owner.js';
import { record, stepMark } from './record.js';

/**
 * KEYS: 1 record, 2 outcome. ARGV: 1 to 10 lease, 11 step, 12 seq, 13 bytes.
 * Reply: now and `ok`, `lost` or `gone`.
 */
export const checkpointScript = script(`
${lease}
local point = { field = '${stepMark}' .. ARGV[11], seq = tonumber(ARGV[12]), bytes = ARGV[13] }
${record}${ownership}
if live(record) and owns(record) and record.state == 'in_progress' then
  local held = redis.call('HGET', KEYS[1], point.field)
  if held and point.seq <= tonumber(string.match(held, '^%d+')) then return answer('ok') end
  redis.call('HSET', KEYS[1], point.field, digits(point.seq) .. ':' .. point.bytes)
  return answer('ok')
end
return answer(losesTo(record) and 'gone' or 'lost')
`);
