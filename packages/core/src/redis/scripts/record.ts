// The record on disk, and how scripts read and write it: what every script is made of.
import { recordLayout } from '../../protocol/record.js';

/**
 * Layout 1, as it lies on disk. A record is one string, `prefix{key}`, packed by Redis' own `struct`. Numbers are doubles,
 * most significant byte first; times (`…At`) are milliseconds of Redis' clock; flags are one byte, 0 or 1; a text stands
 * behind its length, and an empty one is "none".
 *
 * | bytes | of a record |
 * |-------|-------------|
 * | 3     | `og1`: what it is, and its layout |
 * | 1     | state: `p` in progress, `w` the same and somebody waits, `r` retryable, `u` unknown, `c` completed, `x` removed |
 * | 1 × 4 | takeover, recovering, guarded, more: something lies beside it |
 * | 8 × 5 | fence, attempt, expiresAt, untilAt, extra |
 * | 1 + n | token |
 * | 1 + n | fingerprint |
 * | 2 + n | note |
 * | 2 + n | resolved: `fence as ["by","reason"]` |
 * | n     | of a completed record whose outcome lives as long as itself: the outcome's bytes |
 *
 * | state       | untilAt                              | extra       | `more`: beside it lies, under `prefix{key}:more` |
 * |-------------|--------------------------------------|-------------|--------------------------------------------------|
 * | in progress | leaseEndAt                           | leaseMs     | a hash of the steps: `name` to `seq:bytes`       |
 * | retryable   | 0                                    | 0           | the same                                         |
 * | unknown     | retryAt, 0 for none                  | 0           | the same                                         |
 * | completed   | outcomeEndAt, 0 without an outcome   | completedAt | the outcome's bytes, where they go earlier       |
 * | removed     | 0                                    | 0           | nothing                                          |
 *
 * The record decides, compared with one TIME per script. Keys expire a minute later; that is housekeeping only. What lies
 * beside a record counts while the record says so: what an earlier life has left there is never looked at.
 */
const fields = 'c1BBBBdddddBc0Bc0Hc0Hc0';

/** What a record begins with: whose it is, and in which layout. */
const owner = 'og';
export const recordMark = `${owner}${recordLayout}`;

/** Behind the prefix: the channel that says which records are not in progress any more. */
export const endedChannel = 'ended';

/** The key beside a record, in the same slot. */
export function keyBeside(key: string): string {
  return `${key}:more`;
}

/** What a script begins an error with, when the record is not one that this version may touch. */
export const newerLayout = 'NEWERLAYOUT';
export const foreignKey = 'FOREIGNKEY';

export const housekeepingMs = 60_000;

/*
 * The parts below are put into the scripts as text, and share these local variables. They are no functions, and there are
 * no tables: to make a dozen closures and a table of fields costs Redis several times what the call itself does.
 *
 * Nothing may fail between two writes, since there is no rollback. A full server refuses the first write of a script
 * only, so the first is one that it would refuse (SET, HSET), unless the script makes the record smaller.
 */

/**
 * KEYS: 1 the record, 2 what lies beside it. Defines `now`, `raw` (false: absent), `live`, and the record's fields, which
 * are nil of an absent one; `awaited` of one in progress, for whose end somebody waits.
 */
export const opened = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local raw, live = redis.call('GET', KEYS[1]), false
local state, awaited, takeover, recovering, guarded, more
local fence, attempt, expiresAt, untilAt, extra, token, fingerprint, note, resolved
if raw then
  if string.sub(raw, 1, ${recordMark.length}) ~= '${recordMark}' then
    if string.sub(raw, 1, ${owner.length}) ~= '${owner}' then
      return redis.error_reply('${foreignKey} The key holds a string that is no record')
    end
    return redis.error_reply('${newerLayout} The record has a layout that this version does not know')
  end
  state, takeover, recovering, guarded, more,
    fence, attempt, expiresAt, untilAt, extra, token, fingerprint, note, resolved =
    struct.unpack('>${fields}', raw, ${recordMark.length + 1})
  live = now < expiresAt
  awaited = state == 'w'
  if awaited then state = 'p' end
end
`;

/** An expression: the fields as a record, with these bytes at its end. */
export const packed = (bytes: string) => `struct.pack('>c${recordMark.length}${fields}c0', '${recordMark}',
  awaited and state == 'p' and 'w' or state, takeover, recovering, guarded, more, fence, attempt, expiresAt, untilAt, extra,
  #token, token, #fingerprint, fingerprint, #note, note, #resolved, resolved, ${bytes})`;

/**
 * Tells those who wait that nobody is at work any more. Whoever may not publish does the rest all the same: announcements
 * are a courtesy. The prefix and the name are taken from the key, which a client may have put something before.
 */
const announced = `
if awaited and state ~= 'p' then
  local prefix, name = string.match(KEYS[1], '^(.*){(.*)}$')
  redis.pcall('PUBLISH', prefix .. '${endedChannel}', name)
end
`;

/** Writes a record that is not completed. Its steps live as long as it does. */
export const written = `
raw = ${packed("''")}
redis.call('SET', KEYS[1], raw, 'PXAT', expiresAt + ${housekeepingMs})
if more == 1 then redis.call('PEXPIREAT', KEYS[2], expiresAt + ${housekeepingMs}) end
${announced}`;

/**
 * Writes the record with its outcome and without steps; its life counts from now, and lasts until `leastExpiresAt` at
 * least. ARGV: 4 recordTtlMs, 5 outcomeTtlMs (empty: no outcome), 6 bytes, 7 note.
 */
export const completed = `
local kept, hadMore = ARGV[5] ~= '', more
state, note, extra = 'c', ARGV[7], now
expiresAt = math.max(now + ARGV[4], leastExpiresAt)
untilAt = kept and now + ARGV[5] or 0
more = kept and untilAt < expiresAt and 1 or 0
if more == 1 then redis.call('SET', KEYS[2], ARGV[6], 'PXAT', untilAt + ${housekeepingMs}) end
if not kept then redis.call('DEL', KEYS[1], KEYS[2]) end
local record = ${packed("more == 0 and ARGV[6] or ''")}
redis.call('SET', KEYS[1], record, 'PXAT', expiresAt + ${housekeepingMs})
if hadMore > more then redis.call('DEL', KEYS[2]) end
${announced}`;

/**
 * An expression: a reply with the record as it stands, of which the client tells the rest by the protocol itself, and the
 * bytes that lie beside it.
 */
export const told = (kind: string) =>
  `{ now, '${kind}', raw, state == 'c' and more == 1 and redis.call('GET', KEYS[2]) }`;

/** Defines `reply`: the record, and behind it its steps, each with its value. */
export const toldWithSteps = (kind: string) => `
local reply = ${told(kind)}
if more == 1 and state ~= 'c' then
  for _, part in ipairs(redis.call('HGETALL', KEYS[2])) do reply[#reply + 1] = part end
end
`;
