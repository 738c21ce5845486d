// Reading a record, for people and tools.
import { script } from '../script.js';
import { record } from './record.js';

/**
 * KEYS: 1 record, 2 outcome. ARGV: none.
 * Reply: now and `absent`, or `found`, the outcome's bytes (null: none, or no longer kept) and all fields with their values.
 */
export const readScript = script(`
${record}
if not live(record) then return answer('absent') end
local bytes = record.state == 'completed' and now < record.outcomeEndAt and redis.call('GET', KEYS[2])
local found = answer('found', bytes or false)
for _, part in ipairs(redis.call('HGETALL', KEYS[1])) do found[#found + 1] = part end
return found
`);
