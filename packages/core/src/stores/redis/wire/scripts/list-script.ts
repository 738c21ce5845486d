// The Lua script of one entry of the index of doubts: reads its record, or corrects the entry.
import { defineScript } from '../lua-script.js';
import { loadRecord, loadSteps, replyRecordWithSteps } from './record-fragments.js';

/**
 * ARGV: none. Reply: as that of `read`. `absent` also stands for a record that cannot be in doubt now.
 * A stale entry is removed. That of a lease that was renewed gets the present end of the lease, so that it is not looked at before. A
 * refusal of either leaves the entry as it is, and the list is the same.
 */
export const listScript = defineScript(`
${loadRecord}
if not live or listed == 0 then
  redis.pcall('ZREM', KEYS[3], name)
  return { now, 'absent' }
end
if state == 'p' and now < untilAt then
  redis.pcall('ZADD', KEYS[3], 'XX', untilAt, name)
  return { now, 'absent' }
end
${loadSteps}${replyRecordWithSteps('found')}
return reply
`);
