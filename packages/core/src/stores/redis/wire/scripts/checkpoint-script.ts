// The Lua script of `checkpoint`: a translation of `protocol/owner-operations.ts`.
import { defineScript } from '../lua-script.js';
import { checkOwnership } from './lease-fragments.js';
import { computeKeyLife, listRecord, loadRecord, replyDamaged, saveRecord } from './record-fragments.js';
import { keyExpiryGraceMs } from './record-layout.js';

/**
 * ARGV: 1 owner token, 2 fencing token, 3 step, 4 seq, 5 bytes.
 * Reply: now, then `ok`, `lost` or `gone`.
 * The script checks the right to PEXPIREAT before it writes, so that no step stays without an expiry. Redis before 7 has no
 * such check.
 */
export const checkpointScript = defineScript(`
${loadRecord}${checkOwnership}
if not isOwner or state ~= 'p' then return { now, recordLost and 'gone' or 'lost' } end
local earlierEntry = hasSideKey == 1 and redis.call('HGET', KEYS[2], ARGV[3])
if earlierEntry then
  local seq = tonumber(string.match(earlierEntry, '^(%d+):'))
  if not seq then ${replyDamaged('has a step without a number')} end
  if tonumber(ARGV[4]) <= seq then return { now, 'ok' } end
end
if redis.acl_check_cmd and not redis.acl_check_cmd('PEXPIREAT', KEYS[2], '0') then
  return redis.error_reply('NOPERM The user may not run PEXPIREAT')
end
${computeKeyLife}
local becomesDoubtful = listed == 0 and tonumber(ARGV[4]) % 2 == 1
if becomesDoubtful then ${listRecord} end
local isFirstStep = hasSideKey == 0
if isFirstStep or becomesDoubtful then
  hasSideKey = 1
  ${saveRecord}
end
-- An expired record may have left its steps there.
if isFirstStep then redis.call('DEL', KEYS[2]) end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4] .. ':' .. ARGV[5])
redis.call('PEXPIREAT', KEYS[2], expiresAt + ${keyExpiryGraceMs})
return { now, 'ok' }
`);
