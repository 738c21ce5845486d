// `release` of `protocol/owner.ts` in Lua.
import { script } from '../script.js';
import { ownership } from './owner.js';
import { opened, written } from './record.js';

/**
 * KEYS: 1 record, 2 beside it.
 * ARGV: 1 token, 2 fence, 3 as, 4 retryAfterMs, 5 note, 6 recordTtlMs, 7 the same of unknown ones.
 * Reply: now and `ok`, `lost` or `gone`.
 */
export const releaseScript = script(`
${opened}${ownership}
local mine = own or (live and token == ARGV[1] and ARGV[3] == 'not_started')
if mine and (state == 'r' or state == 'u') then return { now, 'ok' } end
if not mine or state ~= 'p' then return { now, loses and 'gone' or 'lost' } end
local unknown = ARGV[3] == 'unknown' or (ARGV[3] == 'not_started' and recovering == 1)
if ARGV[3] == 'unknown' then note = ARGV[5] end
if not unknown then note = '' end
state, untilAt, extra = unknown and 'u' or 'r', 0, 0
if unknown and ARGV[4] ~= '' then untilAt = now + ARGV[4] end
expiresAt = math.max(expiresAt, now + (unknown and ARGV[7] or ARGV[6]))
${written}
return { now, 'ok' }
`);
