// `complete` of `protocol/owner-operations.ts` in Lua.
import { defineScript } from '../lua-script.js';
import { canOverwrite, checkOwnership, restoreFromLease } from './lease-fragments.js';
import { loadRecord, replyRecord, saveCompletedRecord } from './record-fragments.js';

/**
 * KEYS: 1 record, 2 beside it.
 * ARGV: 1 to 3 lease, 4 recordTtlMs, 5 outcomeTtlMs (empty: no outcome), 6 bytes, 7 note, 8 notAfter.
 * Reply: now and `ok`, `restored`, `gone`, or `lost record bytes`.
 */
export const completeScript = defineScript(`
${loadRecord}${checkOwnership}
local lifeMs, keptMs, leastExpiresAt = tonumber(ARGV[4]), tonumber(ARGV[5]), 0
if own and state == 'c' then return { now, 'ok' } end
if not own or state ~= 'p' then
  if not loses then return ${replyRecord('lost')} end
  if not ${canOverwrite} or now >= tonumber(ARGV[8]) then return { now, 'gone' } end
  own = false
  ${restoreFromLease}
  leastExpiresAt = expiresAt
elseif recovering == 1 then
  leastExpiresAt = expiresAt
end
${saveCompletedRecord}
return { now, own and 'ok' or 'restored' }
`);
