// `renew` of `protocol/owner.ts` in Lua.
import { script } from '../script.js';
import { life } from './life.js';
import { lease, ownership, rewriting } from './owner.js';
import { record } from './record.js';

/**
 * KEYS: 1 record, 2 outcome. ARGV: 1 to 10 lease, 11 leaseMs.
 * Reply: now and `ok leaseEndAt`, `restored leaseEndAt`, `lost` or `gone`.
 */
export const renewScript = script(`
${lease}
local leaseMs = tonumber(ARGV[11])
${record}${life}${ownership}${rewriting}
if live(record) and owns(record) then
  if record.state == 'completed' then return answer('ok', record.leaseEndAt) end
  if record.state ~= 'in_progress' then return answer('lost') end
  local longer = prolong(record, leaseMs, lease)
  write(longer)
  return answer('ok', longer.leaseEndAt)
end
if not losesTo(record) then return answer('lost') end
if not replaceable(record) or now >= lease.leaseEndAt then return answer('gone') end
-- Nothing of a life that ended is taken over.
if record and not live(record) then redis.call('DEL', KEYS[1], KEYS[2]) end
local anew = rewritten(leaseMs)
write(anew)
return answer('restored', anew.leaseEndAt)
`);
