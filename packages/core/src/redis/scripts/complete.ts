// `complete` of `protocol/owner.ts` in Lua.
import { script } from '../script.js';
import { completed, life } from './life.js';
import { lease, ownership, rewriting } from './owner.js';
import { record, writeCompleted } from './record.js';
import { standing } from './standing.js';

/**
 * KEYS: 1 record, 2 outcome.
 * ARGV: 1 to 10 lease, 11 whether there are bytes, 12 bytes, 13 outcomeTtlMs, 14 note, 15 notAfter.
 * Reply: now and `ok`, `restored`, `gone`, or `lost` with what stands there.
 */
export const completeScript = script(`
${lease}
local completion = {
  kept = ARGV[11] == '1', outcome = ARGV[12], outcomeTtlMs = tonumber(ARGV[13]), note = ARGV[14],
  notAfter = tonumber(ARGV[15]),
}
${record}${life}${completed}${writeCompleted}${standing}${ownership}${rewriting}
if live(record) and owns(record) then
  if record.state == 'completed' then return answer('ok') end
  if record.state == 'in_progress' then
    writeCompleted(completed(record, lease, completion), completion)
    return answer('ok')
  end
end
if live(record) and not losesTo(record) then
  return answer('lost', unpack(standing(record, lease.fingerprint)))
end
if not replaceable(record) or now >= completion.notAfter then return answer('gone') end
local anew = completed(rewritten(0), lease, completion)
anew.expiresAt = math.max(anew.expiresAt, live(record) and record.expiresAt or 0)
writeCompleted(anew, completion)
return answer('restored')
`);
