// `protocol/owner-operations.ts` in Lua, its parts: whose record it is, longer leases, and the record anew.

/** ARGV: 1 token, 2 fence (empty: never learnt). Defines `held`, `own` and `loses`. */
export const checkOwnership = `
local held = tonumber(ARGV[2])
local own = live and token == ARGV[1] and fence == held
local loses = not live or (state ~= 'c' and state ~= 'x' and fence < (held or 0))
`;

/** Uses `leaseMs`, `plainTtlMs` and `guardedTtlMs`. A longer lease, never a shorter one, and a life that outlasts it. */
export const extendLease = `
if now + leaseMs > untilAt then untilAt, extra = now + leaseMs, leaseMs end
expiresAt = math.max(expiresAt, untilAt + (guarded == 1 and guardedTtlMs or plainTtlMs))
`;

/** An expression: a newer owner's record is not written over, even when its life has ended. */
export const canOverwrite = '(not raw or fence <= held)';

/**
 * ARGV: 3 takeover, recovering, guarded, bound, attempt, outcomeTtlMs, unknownTtlMs and fingerprint as `0100 2 100 200 v1:…`,
 * 4 recordTtlMs. The record as the lease has it, with the steps, the decisions and the life of an older copy.
 */
export const restoreFromLease = `
local t, r, g, b, n, o, u, print = string.match(ARGV[3], '^(%d)(%d)(%d)(%d) (%d+) (%d+) (%d+) (.*)$')
takeover, recovering, guarded, bound, attempt, fingerprint = t + 0, r + 0, g + 0, b + 0, n + 0, print
recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(ARGV[4]), o + 0, u + 0
state, token, fence, untilAt, extra, note = 'p', ARGV[1], held, 0, 0, ''
if not live then expiresAt, more, decisions = 0, 0, '' end
`;
