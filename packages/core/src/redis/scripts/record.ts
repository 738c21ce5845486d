// The record on disk, and how scripts read and write it: what every script begins with.
import { recordLayout } from '../../protocol/record.js';

/**
 * Layout 1, as it lies on disk. A record is the hash `prefix{key}`; its outcome's bytes are the string `prefix{key}:o`,
 * in the same slot. All fields are always there; the empty string is "none". Numbers are decimal, times (`…At`) are
 * milliseconds of Redis' clock, flags are 0 or 1.
 *
 * | field | of a record   | field | of a record | field   | of a record                             |
 * |-------|---------------|-------|-------------|---------|-----------------------------------------|
 * | `v`   | layout        | `e`   | leaseEndAt  | `y`     | retryAt                                 |
 * | `s`   | state         | `l`   | leaseMs     | `d`     | resolved: `fence as ["by","reason"]`    |
 * | `f`   | fingerprint   | `k`   | takeover    | `x`     | expiresAt                               |
 * | `t`   | token         | `r`   | recovering  | `c`     | completedAt                             |
 * | `n`   | fence         | `g`   | guarded     | `o`     | outcomeEndAt, 0 without an outcome      |
 * | `a`   | attempt       | `w`   | note        | `:name` | the step `name`: `seq:bytes`            |
 *
 * These fields decide, compared with one TIME per script. Keys expire a minute later; that is housekeeping only.
 */
const recordFields = 'vsftnaelkrgwydxco'.split('');

/** Field names of steps begin so, which no other field does. */
export const stepMark = ':';

/** What a script begins an error with, when the record is not one that this version may touch. */
export const newerLayout = 'NEWERLAYOUT';
export const foreignKey = 'FOREIGNKEY';

const housekeepingMs = 60_000;

/**
 * KEYS: 1 the record, 2 its outcome's bytes. Defines `now`, `record` (nil if absent), `write` and `answer`.
 * Nothing may fail between two writes, since there is no rollback. A full server refuses the first write of a script
 * only, so the first is one that it would refuse (HSET, SET), unless the script makes the record smaller. A user who
 * may write a record but not give it an end is found out before (from Redis 7 on; older ones cannot tell).
 */
export const record = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function digits(number) return string.format('%.0f', number) end
local function flag(value) return value and '1' or '0' end

local function load()
  local f = redis.call('HMGET', KEYS[1], ${recordFields.map((field) => `'${field}'`).join(', ')})
  if not f[1] then return nil end
  return {
    layout = tonumber(f[1]), state = f[2], fingerprint = f[3], token = f[4], fence = tonumber(f[5]),
    attempt = tonumber(f[6]), leaseEndAt = tonumber(f[7]), leaseMs = tonumber(f[8]), takeover = f[9] == '1',
    recovering = f[10] == '1', guarded = f[11] == '1', note = f[12], retryAt = f[13], resolved = f[14],
    expiresAt = tonumber(f[15]), completedAt = f[16], outcomeEndAt = tonumber(f[17]),
  }
end

local function write(r)
  redis.call('HSET', KEYS[1], 'v', '${recordLayout}', 's', r.state, 'f', r.fingerprint or '', 't', r.token or '',
    'n', digits(r.fence), 'a', digits(r.attempt or 0), 'e', digits(r.leaseEndAt or 0), 'l', digits(r.leaseMs or 0),
    'k', flag(r.takeover), 'r', flag(r.recovering), 'g', flag(r.guarded), 'w', r.note or '', 'y', r.retryAt or '',
    'd', r.resolved or '', 'x', digits(r.expiresAt), 'c', r.completedAt or '', 'o', digits(r.outcomeEndAt or 0))
  redis.call('PEXPIREAT', KEYS[1], digits(r.expiresAt + ${housekeepingMs}))
end

local function live(r) return r and now < r.expiresAt end
local function answer(kind, ...) return { now, kind, ... } end

local record = load()
if record and record.layout > ${recordLayout} then
  return redis.error_reply('${newerLayout} The record has layout ' .. record.layout .. ', this version knows ${recordLayout}')
end
if not record and redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.error_reply('${foreignKey} The key holds a hash that is no record')
end
if not record and redis.acl_check_cmd and not redis.acl_check_cmd('PEXPIREAT', KEYS[1], '0') then
  return redis.error_reply('NOPERM The user may not run PEXPIREAT')
end
`;

/** KEYS as above. Defines `writeCompleted`: the record with its outcome's bytes, and without steps. */
export const writeCompleted = `
local function writeCompleted(r, completion)
  if completion.kept then
    redis.call('SET', KEYS[2], completion.outcome, 'PXAT', digits(r.outcomeEndAt + ${housekeepingMs}))
    redis.call('DEL', KEYS[1])
  else
    redis.call('DEL', KEYS[1], KEYS[2])
  end
  write(r)
end
`;
