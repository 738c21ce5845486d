// The Lua script of `renew`: a translation of `protocol/owner-operations.ts`.
import { defineScript } from '../lua-script.js';
import { canOverwrite, checkOwnership, extendLease, restoreFromLease } from './lease-fragments.js';
import { computeKeyLife, listRecord, listWrittenRecord, loadRecord, makeRoom, saveRecord } from './record-fragments.js';

/**
 * ARGV: 1 owner token, 2 fencing token, 3 lease (see `restoreFromLease`), 4 recordTtlMs, 5 recordTtlMs of a guarded record,
 * 6 leaseEndAt, 7 leaseMs.
 * Reply: now, then `ok leaseEndAt`, `restored leaseEndAt`, `lost` or `gone`.
 * A renewal touches the index of doubts only where that is gone or would expire before the record. The score of the entry is then
 * older than the lease; the next list of doubts updates it. A restored record is listed again if it may be in doubt: a step may have an intent.
 * Else the entry of an older copy does not count as its own: its score may be later than the end of this lease.
 */
export const renewScript = defineScript(`
local plainTtlMs, guardedTtlMs, leaseEndAt, leaseMs = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
${loadRecord}${checkOwnership}
if isOwner and state == 'c' then return { now, 'ok', leaseEndAt } end
if isOwner and state ~= 'p' then return { now, 'lost' } end
if not isOwner then
  if not recordLost then return { now, 'lost' } end
  if not ${canOverwrite} or now >= leaseEndAt then return { now, 'gone' } end
  ${restoreFromLease}
end
${extendLease}
${computeKeyLife}
local isIndexShort = isOwner and listed == 1 and redis.call('PTTL', KEYS[3]) < keyLifeMs
if isOwner then ${makeRoom} elseif guarded == 1 or hasSideKey == 1 then ${listRecord} else listed = 0 end
${saveRecord}
if isIndexShort then ${listWrittenRecord} end
return { now, isOwner and 'ok' or 'restored', untilAt }
`);
