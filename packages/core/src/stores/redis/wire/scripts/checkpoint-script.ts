// `checkpoint` of `protocol/owner-operations.ts` in Lua.
import { defineScript } from '../lua-script.js';
import { checkOwnership } from './lease-fragments.js';
import { keyExpiryGraceMs, loadRecord, replyDamaged, saveRecord } from './record-fragments.js';

/**
 * KEYS: 1 record, 2 beside it. ARGV: 1 token, 2 fence, 3 step, 4 seq, 5 bytes.
 * Reply: now and `ok`, `lost` or `gone`.
 * A user who may write steps but not give them an end is found out before (from Redis 7 on; older ones cannot tell).
 */
export const checkpointScript = defineScript(`
${loadRecord}${checkOwnership}
if not own or state ~= 'p' then return { now, loses and 'gone' or 'lost' } end
local before = more == 1 and redis.call('HGET', KEYS[2], ARGV[3])
if before then
  local seq = tonumber(string.match(before, '^(%d+):'))
  if not seq then ${replyDamaged('has a step without a number')} end
  if tonumber(ARGV[4]) <= seq then return { now, 'ok' } end
end
if redis.acl_check_cmd and not redis.acl_check_cmd('PEXPIREAT', KEYS[2], '0') then
  return redis.error_reply('NOPERM The user may not run PEXPIREAT')
end
if more == 0 then
  more = 1
  ${saveRecord}
  -- What an earlier life may have left.
  redis.call('DEL', KEYS[2])
end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4] .. ':' .. ARGV[5])
redis.call('PEXPIREAT', KEYS[2], expiresAt + ${keyExpiryGraceMs})
return { now, 'ok' }
`);
