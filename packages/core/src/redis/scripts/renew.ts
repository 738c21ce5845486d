// `renew` of `protocol/owner.ts` in Lua.
import { script } from '../script.js';
import { ownership, prolonged, replaceable, rewritten } from './owner.js';
import { madeRoom, opened, written } from './record.js';

/**
 * KEYS: 1 record, 2 beside it.
 * ARGV: 1 to 3 lease, 4 recordTtlMs, 5 the same of guarded ones, 6 leaseEndAt, 7 leaseMs.
 * Reply: now and `ok leaseEndAt`, `restored leaseEndAt`, `lost` or `gone`.
 */
export const renewScript = script(`
local plainTtlMs, guardedTtlMs, leaseEndAt, leaseMs = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
${opened}${ownership}
if own and state == 'c' then return { now, 'ok', leaseEndAt } end
if own and state ~= 'p' then return { now, 'lost' } end
if not own then
  if not loses then return { now, 'lost' } end
  if not ${replaceable} or now >= leaseEndAt then return { now, 'gone' } end
  ${rewritten}
end
${prolonged}
if own then ${madeRoom} end
${written}
return { now, own and 'ok' or 'restored', untilAt }
`);
