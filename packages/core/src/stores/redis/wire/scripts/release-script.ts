// `release` of `protocol/owner-operations.ts` in Lua.
import { restoreWindowMs } from '../../../../protocol/record.js';
import { defineScript } from '../lua-script.js';
import { checkOwnership } from './lease-fragments.js';
import { loadRecord, makeRoom, saveRecord } from './record-fragments.js';

/**
 * KEYS: 1 record, 2 beside it.
 * ARGV: 1 token, 2 fence, 3 as, 4 retryAfterMs, 5 note, 6 recordTtlMs, 7 the same of unknown ones, 8 only where the record shall
 * forget its fingerprint.
 * Reply: now and `ok`, `lost` or `gone`.
 */
export const releaseScript = defineScript(`
${loadRecord}${checkOwnership}
local mine = own or (live and token == ARGV[1] and ARGV[3] == 'not_started')
if mine and (state == 'r' or state == 'u') then return { now, 'ok' } end
if not mine or state ~= 'p' then return { now, loses and 'gone' or 'lost' } end
local unknown = ARGV[3] == 'unknown' or (ARGV[3] == 'not_started' and recovering == 1)
if ARGV[3] == 'unknown' then note = ARGV[5] end
expiresAt = math.max(expiresAt, now + (unknown and ARGV[7] or ARGV[6]))
if unknown then
  state, untilAt = 'u', ARGV[4] ~= '' and now + ARGV[4] or 0
else
  state, note = 'r', ''
  if more == 0 then
    expiresAt = math.min(expiresAt, math.max(now + ${restoreWindowMs}, untilAt))
    if ARGV[8] and bound == 0 then fingerprint = '' end
  end
  untilAt = 0
end
extra = 0
${makeRoom}${saveRecord}
return { now, 'ok' }
`);
