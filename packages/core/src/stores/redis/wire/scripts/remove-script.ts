// The Lua script of `remove`: a translation of `protocol/resolve.ts`.
import { restoreWindowMs } from '../../../../protocol/record.js';
import { defineScript } from '../lua-script.js';
import { computeKeyLife, readRecord, saveRecord, unlistRecord, unpackRecordOrElse } from './record-fragments.js';

/** The fencing token of a damaged record is unknown. The store's time is higher than every token that it has issued. It may be listed. */
const unpackEvenIfDamaged = unpackRecordOrElse(`live, state, fence, listed = true, 'r', now, 1`);

/**
 * ARGV: none. Reply: now, then `ok`.
 * Also removes a damaged record. What stays is a small record that keeps the fencing token, until late messages of the last
 * owner can no longer arrive.
 */
export const removeScript = defineScript(`
${readRecord}${unpackEvenIfDamaged}
if live then
  redis.call('DEL', KEYS[1], KEYS[2])
  expiresAt = math.max(now, state == 'p' and untilAt or 0) + ${restoreWindowMs}
  local wasListed = listed
  state, takeover, recovering, guarded, bound, hasSideKey, listed = 'x', 0, 0, 0, 0, 0, 0
  recordTtlMs, outcomeTtlMs, unknownTtlMs = 0, 0, 0
  attempt, untilAt, leaseMsOrCompletedAt, firstAcquiredAt, acquiredAt = 0, 0, 0, 0, 0
  token, fingerprint, operation, label, traceparent, note, decisions = '', '', '', '', '', '', ''
  ${computeKeyLife}${saveRecord}${unlistRecord}
end
return { now, 'ok' }
`);
