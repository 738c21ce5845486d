// `protocol/owner.ts` in Lua, its parts: the lease, and whose record it is.

/** ARGV: 1 token, 2 fence (empty: never learnt), 3 recordTtlMs, 4 unknownTtlMs. Defines `lease`. */
export const holder = `
local lease = {
  token = ARGV[1], fence = tonumber(ARGV[2]), recordTtlMs = tonumber(ARGV[3]), unknownTtlMs = tonumber(ARGV[4]),
}
`;

/** ARGV: as above, 5 fingerprint, 6 attempt, 7 takeover, 8 recovering, 9 guarded, 10 leaseEndAt. Extends `lease`. */
export const lease = `${holder}
lease.fingerprint, lease.attempt, lease.leaseEndAt = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[10])
lease.takeover, lease.recovering, lease.guarded = ARGV[7] == '1', ARGV[8] == '1', ARGV[9] == '1'
`;

/** Defines `owns` and `losesTo`. */
export const ownership = `
local function owns(r) return r.token == lease.token and r.fence == lease.fence end

local function losesTo(r)
  if not live(r) then return true end
  if r.state == 'completed' or r.state == 'removed' then return false end
  return r.fence < (lease.fence or 0)
end
`;

/** Defines `replaceable` and `rewritten`. The steps of an older copy stay where they are, in the hash. */
export const rewriting = `
local function replaceable(r) return not r or r.fence <= lease.fence end

local function rewritten(leaseMs)
  local leaseEndAt, oldEnd = now + leaseMs, live(record) and record.expiresAt or 0
  return {
    state = 'in_progress', fingerprint = lease.fingerprint, token = lease.token, fence = lease.fence,
    attempt = lease.attempt, leaseEndAt = leaseEndAt, leaseMs = leaseMs,
    takeover = lease.takeover, recovering = lease.recovering, guarded = lease.guarded,
    expiresAt = math.max(oldEnd, lifeEnd(leaseEndAt, lease.guarded, lease)),
  }
end
`;
