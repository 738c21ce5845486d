// The Lua script of `complete`: a translation of `protocol/owner-operations.ts`.
import { defineScript } from '../lua-script.js';
import { canOverwrite, checkOwnership, restoreFromLease } from './lease-fragments.js';
import { loadRecord, replyRecord, saveCompletedRecord } from './record-fragments.js';

/**
 * KEYS: 1 record, 2 side key.
 * ARGV: 1 owner token, 2 fencing token, 3 lease (see `restoreFromLease`), 4 recordTtlMs, 5 outcomeTtlMs (empty: there is no
 * outcome), 6 the outcome's bytes, 7 note, 8 notAfter.
 * Reply: now, then `ok`, `restored`, `gone`, or `lost record outcome`.
 */
export const completeScript = defineScript(`
${loadRecord}${checkOwnership}
local recordLifeMs, outcomeLifeMs, leastExpiresAt = tonumber(ARGV[4]), tonumber(ARGV[5]), 0
if isOwner and state == 'c' then return { now, 'ok' } end
if not isOwner or state ~= 'p' then
  if not recordLost then return ${replyRecord('lost')} end
  if not ${canOverwrite} or now >= tonumber(ARGV[8]) then return { now, 'gone' } end
  isOwner = false
  ${restoreFromLease}
  leastExpiresAt = expiresAt
elseif recovering == 1 then
  leastExpiresAt = expiresAt
end
${saveCompletedRecord}
return { now, isOwner and 'ok' or 'restored' }
`);
