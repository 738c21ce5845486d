// `protocol/life.ts` in Lua: how long leases, records and outcomes last. Records are changed in place here.

/** Defines `lifeEnd` and `prolong`. */
export const life = `
local function lifeEnd(at, doubtful, terms)
  return at + (doubtful and math.max(terms.recordTtlMs, terms.unknownTtlMs) or terms.recordTtlMs)
end

local function prolong(r, leaseMs, terms)
  if now + leaseMs > r.leaseEndAt then r.leaseEndAt, r.leaseMs = now + leaseMs, leaseMs end
  r.expiresAt = math.max(r.expiresAt, lifeEnd(r.leaseEndAt, r.guarded, terms))
  return r
end
`;

/** Defines `completed`. */
export const completed = `
local function completed(r, terms, completion)
  r.state, r.note, r.retryAt = 'completed', completion.note, ''
  r.expiresAt, r.completedAt = now + terms.recordTtlMs, digits(now)
  r.outcomeEndAt = completion.kept and now + completion.outcomeTtlMs or 0
  return r
end
`;
