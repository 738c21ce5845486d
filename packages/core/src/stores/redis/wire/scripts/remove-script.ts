// The Lua script of `remove`: a translation of `protocol/resolve.ts`.
import { restoreWindowMs } from '../../../../protocol/record.js';
import { defineScript } from '../lua-script.js';
import { loadRecordOrElse, saveRecord } from './record-fragments.js';

/** The fencing token of a damaged record is unknown. The store's time is higher than every token that it has issued. */
const loadRecordEvenIfDamaged = loadRecordOrElse(`live, state, fence = true, 'r', now`);

/**
 * KEYS: 1 record, 2 side key. ARGV: none. Reply: now, then `ok`.
 * Also removes a damaged record. What stays is a small record that keeps the fencing token, until late messages of the last
 * owner can no longer arrive.
 */
export const removeScript = defineScript(`
${loadRecordEvenIfDamaged}
if live then
  redis.call('DEL', KEYS[1], KEYS[2])
  expiresAt = math.max(now, state == 'p' and untilAt or 0) + ${restoreWindowMs}
  state, takeover, recovering, guarded, bound, hasSideKey = 'x', 0, 0, 0, 0, 0
  recordTtlMs, outcomeTtlMs, unknownTtlMs = 0, 0, 0
  attempt, untilAt, leaseMsOrCompletedAt, token, fingerprint, note, decisions = 0, 0, 0, '', '', '', ''
  ${saveRecord}
end
return { now, 'ok' }
`);
