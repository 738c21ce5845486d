// `protocol/standing.ts` in Lua: what a record says to those who may not run.

/**
 * Defines `mismatches` and `standing`, which answers with one of
 * `mismatch version` · `in_progress retryAfterMs` · `retryable` · `unknown retryAfterMs note` ·
 * `completed bytes outcomeLeftMs completedAt note attempt fence` · `expired completedAt note`.
 */
export const standing = `
local function mismatches(r, fingerprint)
  return r.fingerprint ~= '' and fingerprint ~= '' and r.fingerprint ~= fingerprint
end

local function completedStanding(r)
  local bytes = now < r.outcomeEndAt and redis.call('GET', KEYS[2])
  if not bytes then return { 'expired', r.completedAt, r.note } end
  local leftMs = math.min(r.outcomeEndAt, r.expiresAt) - now
  return { 'completed', bytes, leftMs, r.completedAt, r.note, r.attempt, r.fence }
end

local function standing(r, fingerprint)
  if r.state ~= 'removed' and mismatches(r, fingerprint) then
    return { 'mismatch', string.match(r.fingerprint, '^[^:]*') }
  end
  if r.state == 'in_progress' and now < r.leaseEndAt then
    return { 'in_progress', math.min(r.leaseEndAt - now, r.leaseMs) }
  end
  if r.state == 'in_progress' and r.guarded then return { 'unknown', '', r.note } end
  if r.state == 'unknown' then
    return { 'unknown', r.retryAt ~= '' and math.max(0, r.retryAt - now) or '', r.note }
  end
  if r.state == 'completed' then return completedStanding(r) end
  return { 'retryable' }
end
`;
