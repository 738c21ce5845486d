// The Lua script that reads many indexes of doubts in one call. A cluster refuses it, because their slots differ.
import { defineScript } from '../lua-script.js';

/**
 * KEYS: the indexes. ARGV: none.
 * Reply: now, how many of the keys hold something else, and the members whose leases had ended when their entries were written.
 */
export const indexScript = defineScript(`
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local foreign, found = 0, {}
for i = 1, #KEYS do
  local members = redis.pcall('ZRANGEBYSCORE', KEYS[i], '0', now)
  if members.err then
    if not string.find(members.err, 'WRONGTYPE', 1, true) then return members end
    foreign = foreign + 1
  end
  for j = 1, #members do found[#found + 1] = members[j] end
end
return { now, foreign, found }
`);
