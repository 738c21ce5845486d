// The Lua script of `release`: a translation of `protocol/owner-operations.ts`.
import { restoreWindowMs } from '../../../../protocol/record.js';
import { defineScript } from '../lua-script.js';
import { checkOwnership } from './lease-fragments.js';
import {
  computeKeyLife,
  listWrittenRecord,
  loadRecord,
  makeRoom,
  saveRecord,
  unlistRecord,
} from './record-fragments.js';

/**
 * ARGV: 1 owner token, 2 fencing token, 3 as, 4 retryAfterMs, 5 note, 6 recordTtlMs, 7 recordTtlMs of an unknown record,
 * 8 present only if the record drops its fingerprint.
 * Reply: now, then `ok`, `lost` or `gone`.
 */
export const releaseScript = defineScript(`
${loadRecord}${checkOwnership}
local isHolder = isOwner or (live and token == ARGV[1] and ARGV[3] == 'not_started')
if isHolder and (state == 'r' or state == 'u') then return { now, 'ok' } end
if not isHolder or state ~= 'p' then return { now, recordLost and 'gone' or 'lost' } end
local unknown = ARGV[3] == 'unknown' or (ARGV[3] == 'not_started' and recovering == 1)
if ARGV[3] == 'unknown' then note = ARGV[5] end
expiresAt = math.max(expiresAt, now + (unknown and ARGV[7] or ARGV[6]))
if unknown then
  state, untilAt = 'u', ARGV[4] ~= '' and now + ARGV[4] or 0
else
  state, note = 'r', ''
  if hasSideKey == 0 then
    if decisions == '' then expiresAt = math.min(expiresAt, math.max(now + ${restoreWindowMs}, untilAt)) end
    if ARGV[8] and bound == 0 then fingerprint = '' end
  end
  untilAt = 0
end
leaseMsOrCompletedAt = 0
${computeKeyLife}
local wasListed = listed
listed = unknown and 1 or 0
${makeRoom}${saveRecord}
if unknown then ${listWrittenRecord} else ${unlistRecord} end
return { now, 'ok' }
`);
