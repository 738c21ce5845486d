// `protocol/acquire.ts` in Lua.
import { script } from '../script.js';
import { life } from './life.js';
import { record } from './record.js';
import { standing } from './standing.js';
import { steps } from './steps.js';

/** Defines what `decide` makes: `create` and `follow`. */
const attempts = `
local function create()
  local guarded, leaseEndAt = request.onAbandoned ~= 'rerun', now + request.leaseMs
  return {
    state = 'in_progress', fingerprint = request.fingerprint, token = request.token, attempt = 1,
    fence = math.max((record and record.fence or 0) + 1, now, request.fenceSeen + 1),
    leaseEndAt = leaseEndAt, leaseMs = request.leaseMs, guarded = guarded,
    expiresAt = lifeEnd(leaseEndAt, guarded, request),
  }
end

local function follow(how)
  local following = create()
  if request.fingerprint == '' then following.fingerprint = record.fingerprint end
  following.attempt = record.attempt + 1
  following.takeover, following.recovering = how ~= 'again', how == 'recovering'
  following.note = how == 'recovering' and record.note or ''
  following.expiresAt = math.max(record.expiresAt, following.expiresAt)
  return following
end
`;

/** Defines `decide`: the record as it becomes if this caller may run, or nil. */
const decide = `
local function decide()
  if not live(record) or record.state == 'removed' then return create() end
  if mismatches(record, request.fingerprint) then return nil end
  local sameToken, recovers = record.token == request.token, request.onAbandoned == 'recover'
  if record.state == 'in_progress' then
    if sameToken then return prolong(record, request.leaseMs, request) end
    if now < record.leaseEndAt then return nil end
    if not record.guarded then return follow('takeover') end
    return recovers and follow('recovering') or nil
  end
  if record.state == 'unknown' then
    if sameToken or not recovers or now < (tonumber(record.retryAt) or 0) then return nil end
    return follow('recovering')
  end
  if record.state == 'retryable' and not sameToken then return follow('again') end
  return nil
end

local function refuse()
  local seen = standing(record, request.fingerprint)
  local finished = record.state == 'unknown' and record.token == request.token
  if seen[1] == 'retryable' or (seen[1] == 'unknown' and finished) then return answer('superseded') end
  return answer(unpack(seen))
end
`;

/**
 * KEYS: 1 record, 2 outcome.
 * ARGV: 1 token, 2 fingerprint, 3 leaseMs, 4 onAbandoned, 5 notAfter, 6 fenceSeen, 7 recordTtlMs, 8 unknownTtlMs.
 * Reply: now and `acquired attempt fence takeover recovering guarded leaseEndAt (step value)…`, `superseded`, or a standing.
 */
export const acquireScript = script(`
local request = {
  token = ARGV[1], fingerprint = ARGV[2], leaseMs = tonumber(ARGV[3]), onAbandoned = ARGV[4],
  notAfter = tonumber(ARGV[5]), fenceSeen = tonumber(ARGV[6]),
  recordTtlMs = tonumber(ARGV[7]), unknownTtlMs = tonumber(ARGV[8]),
}
${record}${life}${standing}${steps}${attempts}${decide}
local becomes = decide()
if not becomes then return refuse() end
if now > request.notAfter then return answer('superseded') end
-- Nothing of a life that ended is taken over.
if record and not live(record) then redis.call('DEL', KEYS[1], KEYS[2]) end
write(becomes)
local granted = answer('acquired', becomes.attempt, becomes.fence, flag(becomes.takeover), flag(becomes.recovering),
  flag(becomes.guarded), becomes.leaseEndAt)
return live(record) and appendSteps(granted) or granted
`);
