// The Lua script of `complete`: a translation of `protocol/owner-operations.ts`.
import { defineScript } from '../lua-script.js';
import { canOverwrite, checkOwnership, restoreFromLease } from './lease-fragments.js';
import { loadRecord, replyRecord, saveCompletedRecord } from './record-fragments.js';
import { keyExpiryGraceMs } from './record-layout.js';

/**
 * ARGV: 1 owner token, 2 fencing token, 3 lease (see `restoreFromLease`), 4 how long the key of the record lives,
 * 5 that of the outcome (empty: there is no outcome; both in milliseconds, a grace period longer than what they hold), 6 the outcome's bytes, 7 note, 8 notAfter.
 * Reply: now alone (the record is completed), or now, then `restored`, `gone`, or `lost record outcome`.
 */
export const completeScript = defineScript(`
${loadRecord}${checkOwnership}
local recordLifeMs, outcomeKeyLifeMs, leastExpiresAt = ARGV[4] - ${keyExpiryGraceMs}, ARGV[5], 0
local outcomeLifeMs, plainTtlMs = outcomeKeyLifeMs ~= '' and outcomeKeyLifeMs - ${keyExpiryGraceMs} or nil, recordLifeMs
keyLifeMs = ARGV[4]
if isOwner and state == 'c' then return now end
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
return isOwner and now or { now, 'restored' }
`);
