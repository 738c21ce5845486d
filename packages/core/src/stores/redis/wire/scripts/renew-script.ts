// The Lua script of `renew`: a translation of `protocol/owner-operations.ts`.
import { defineScript } from '../lua-script.js';
import { canOverwrite, checkOwnership, extendLease, restoreFromLease } from './lease-fragments.js';
import { loadRecord, makeRoom, saveRecord } from './record-fragments.js';

/**
 * KEYS: 1 record, 2 side key.
 * ARGV: 1 owner token, 2 fencing token, 3 lease (see `restoreFromLease`), 4 recordTtlMs, 5 recordTtlMs of a guarded record,
 * 6 leaseEndAt, 7 leaseMs.
 * Reply: now, then `ok leaseEndAt`, `restored leaseEndAt`, `lost` or `gone`.
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
if isOwner then ${makeRoom} end
${saveRecord}
return { now, isOwner and 'ok' or 'restored', untilAt }
`);
