// `complete` of `protocol/owner.ts` in Lua.
import { script } from '../script.js';
import { ownership, replaceable, rewritten } from './owner.js';
import { completed, opened, told } from './record.js';

/**
 * KEYS: 1 record, 2 beside it.
 * ARGV: 1 to 3 lease, 4 recordTtlMs, 5 outcomeTtlMs (empty: no outcome), 6 bytes, 7 note, 8 notAfter.
 * Reply: now and `ok`, `restored`, `gone`, or `lost record bytes`.
 */
export const completeScript = script(`
${opened}${ownership}
local lifeMs, keptMs, leastExpiresAt = tonumber(ARGV[4]), tonumber(ARGV[5]), 0
if own and state == 'c' then return { now, 'ok' } end
if not own or state ~= 'p' then
  if not loses then return ${told('lost')} end
  if not ${replaceable} or now >= tonumber(ARGV[8]) then return { now, 'gone' } end
  own = false
  ${rewritten}
  leastExpiresAt = expiresAt
elseif recovering == 1 then
  leastExpiresAt = expiresAt
end
${completed}
return { now, own and 'ok' or 'restored' }
`);
