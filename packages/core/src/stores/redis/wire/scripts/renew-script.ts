// `renew` of `protocol/owner-operations.ts` in Lua.
import { defineScript } from '../lua-script.js';
import { canOverwrite, checkOwnership, extendLease, restoreFromLease } from './lease-fragments.js';
import { loadRecord, makeRoom, saveRecord } from './record-fragments.js';

/**
 * KEYS: 1 record, 2 beside it.
 * ARGV: 1 to 3 lease, 4 recordTtlMs, 5 the same of guarded ones, 6 leaseEndAt, 7 leaseMs.
 * Reply: now and `ok leaseEndAt`, `restored leaseEndAt`, `lost` or `gone`.
 */
export const renewScript = defineScript(`
local plainTtlMs, guardedTtlMs, leaseEndAt, leaseMs = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
${loadRecord}${checkOwnership}
if own and state == 'c' then return { now, 'ok', leaseEndAt } end
if own and state ~= 'p' then return { now, 'lost' } end
if not own then
  if not loses then return { now, 'lost' } end
  if not ${canOverwrite} or now >= leaseEndAt then return { now, 'gone' } end
  ${restoreFromLease}
end
${extendLease}
if own then ${makeRoom} end
${saveRecord}
return { now, own and 'ok' or 'restored', untilAt }
`);
