// Lua fragments for verbs of a lease holder: check the ownership, extend the lease, restore a lost record.
// They translate the parts of `protocol/owner-operations.ts`.

/**
 * ARGV: 1 owner token, 2 fencing token (empty: the holder never learnt it).
 * Reads `live` and the record's fields. Defines `leaseFence`, `isOwner`, and `recordLost` (Redis has lost the holder's
 * record: there is none, or only an older copy of it).
 */
export const checkOwnership = `
local leaseFence = tonumber(ARGV[2])
local isOwner = live and token == ARGV[1] and fence == leaseFence
local recordLost = not live or (state ~= 'c' and state ~= 'x' and fence < (leaseFence or 0))
`;

/**
 * Reads `leaseMs`, `plainTtlMs` and `guardedTtlMs`. Extends the lease, never shortens it, and keeps the record longer than
 * it.
 */
export const extendLease = `
if now + leaseMs > untilAt then untilAt, leaseMsOrCompletedAt = now + leaseMs, leaseMs end
expiresAt = math.max(expiresAt, untilAt + (guarded == 1 and guardedTtlMs or plainTtlMs))
`;

/** An expression: whether the holder may write the record again. A newer owner's record stays, even an expired one. */
export const canOverwrite = '(not raw or fence <= leaseFence)';

/**
 * ARGV: 3 takeover, recovering, guarded, bound, attempt, outcomeTtlMs, unknownTtlMs, firstAcquiredAt, acquiredAt, fingerprint and
 * traceparent, such as `0100 2 100 200 1764000000000 1764000000000 v1:… 00-…`, then operation and label on a line each.
 * Reads `leaseFence` and `plainTtlMs`, the recordTtlMs. Sets the record's fields from the lease. The steps, the decisions and the expiry of an older copy stay, and
 * whether it is listed.
 */
export const restoreFromLease = `
local takeoverFlag, recoveringFlag, guardedFlag, boundFlag, attemptText, outcomeTtl, unknownTtl, firstText, acquiredText
takeoverFlag, recoveringFlag, guardedFlag, boundFlag, attemptText, outcomeTtl, unknownTtl, firstText, acquiredText,
  fingerprint, traceparent, operation, label =
  string.match(ARGV[3], '^(%d)(%d)(%d)(%d) (%d+) (%d+) (%d+) (%d+) (%d+) (%S*) (%S*)\\n(.*)\\n(.*)$')
takeover, recovering, guarded, bound = takeoverFlag + 0, recoveringFlag + 0, guardedFlag + 0, boundFlag + 0
attempt, firstAcquiredAt, acquiredAt = attemptText + 0, firstText + 0, acquiredText + 0
recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(plainTtlMs), outcomeTtl + 0, unknownTtl + 0
state, token, fence, untilAt, leaseMsOrCompletedAt, note = 'p', ARGV[1], leaseFence, 0, 0, ''
if not live then expiresAt, hasSideKey, listed, decisions = 0, 0, 0, '' end
`;
