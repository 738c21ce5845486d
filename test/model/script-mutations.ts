// Mistakes that a script could have as a translation of the protocol. Each mutation has one.
import type { Redis } from 'ioredis';
import type { RedisClient } from '../../packages/core/src/stores/redis/index.js';
import type { LuaScript } from '../../packages/core/src/stores/redis/wire/lua-script.js';
import { indexMutations } from './index-mutations.js';
import { type Mutation, recordMutations } from './record-mutations.js';

export const scriptMutations: readonly Mutation[] = [
  {
    mistake: 'acquire runs after notAfter',
    from: "if now > tonumber(ARGV[5]) then return { now, 'superseded' } end",
    to: '',
  },
  {
    mistake: 'a lease is still alive at its end',
    from: 'elseif now < untilAt then shouldAnnounce = ARGV[14]',
    to: 'elseif now <= untilAt then shouldAnnounce = ARGV[14]',
    isOfOneMs: true,
  },
  {
    mistake: 'an expired lease counts as alive',
    from: 'elseif now < untilAt then shouldAnnounce = ARGV[14]',
    to: 'elseif true then shouldAnnounce = ARGV[14]',
  },
  {
    mistake: 'another payload is accepted',
    from: "elseif fingerprint ~= '' and ARGV[2] ~= '' and fingerprint ~= ARGV[2] then",
    to: 'elseif false then',
  },
  { mistake: 'a missing fingerprint differs from any', from: "and ARGV[2] ~= '' and", to: 'and' },
  {
    mistake: 'a record without a fingerprint does not take the one of the caller',
    from: "if ARGV[2] ~= '' then fingerprint = ARGV[2] end",
    to: '',
  },
  {
    mistake: 'a caller without a fingerprint removes the one of the record',
    from: "if ARGV[2] ~= '' then fingerprint = ARGV[2] end",
    to: 'fingerprint = ARGV[2]',
  },
  { mistake: 'an expired record still counts', from: 'live = now < expiresAt', to: 'live = true' },
  {
    mistake: 'a record expires one millisecond early',
    from: 'live = now < expiresAt',
    to: 'live = now + 1 < expiresAt',
    isOfOneMs: true,
  },
  {
    mistake: 'a repeated acquisition is refused',
    from: "if token == ARGV[1] then mode = 'resent'",
    to: "if false then mode = 'resent'",
  },
  { mistake: 'a lease can be shortened', from: 'if now + leaseMs > untilAt then', to: 'if true then' },
  {
    mistake: 'a longer lease does not extend the expiry of the record',
    from: 'expiresAt = math.max(expiresAt, untilAt + (guarded == 1 and guardedTtlMs or plainTtlMs))',
    to: '',
  },
  {
    mistake: 'a guarded record lives no longer than others',
    from: 'local leastExpiresAt = now + ARGV[13] - 60000',
    to: 'local leastExpiresAt = untilAt + recordTtlMs',
  },
  {
    mistake: 'a new attempt can make the record expire earlier',
    from: 'math.max(expiresAt, leastExpiresAt)',
    to: 'leastExpiresAt',
  },
  {
    mistake: 'the policy of the next caller overrides a guard',
    from: "elseif guarded == 0 then mode = 'takeover'",
    to: "elseif ARGV[4] == 'rerun' then mode = 'takeover'",
  },
  {
    mistake: 'guarded work runs again',
    from: "elseif guarded == 0 then mode = 'takeover'",
    to: "elseif true then mode = 'takeover'",
  },
  {
    mistake: 'recover does not wait until retryAt',
    from: " and now >= untilAt then mode = 'recovery' end",
    to: " then mode = 'recovery' end",
  },
  {
    mistake: 'a late copy of a released acquisition runs',
    from: "if token ~= ARGV[1] then mode = 'retry' end",
    to: "mode = 'retry'",
  },
  {
    mistake: 'an attempt is not counted',
    from: 'attempt, expiresAt = attempt + 1,',
    to: 'attempt, expiresAt = attempt,',
  },
  { mistake: 'the fencing token does not exceed the one that the caller has seen', from: ', ARGV[6] + 1', to: '' },
  {
    mistake: 'the fencing token of an expired record is dropped',
    from: '(fence or 0) + 1',
    to: '(live and fence or 0) + 1',
  },
  {
    mistake: 'the steps of an expired record are kept',
    from: "if mode == 'first' then hasSideKey = 0 end",
    to: "if mode == 'first' then hasSideKey = hasSideKey == 1 and state ~= 'c' and 1 or 0 end",
  },
  {
    mistake: 'the owner token alone makes an owner',
    from: 'token == ARGV[1] and fence == leaseFence',
    to: 'token == ARGV[1]',
  },
  {
    mistake: 'the fencing token alone makes an owner',
    from: 'token == ARGV[1] and fence == leaseFence',
    to: 'fence == leaseFence',
  },
  { mistake: 'an owner keeps an expired record', from: 'local isOwner = live and', to: 'local isOwner = raw and' },
  {
    mistake: 'a completed record counts as an older copy',
    from: "(state ~= 'c' and state ~= 'x' and",
    to: "(state ~= 'x' and",
  },
  {
    mistake: 'a removed record counts as an older copy',
    from: "(state ~= 'c' and state ~= 'x' and",
    to: "(state ~= 'c' and",
  },
  { mistake: 'a newer record that has expired is overwritten', from: '(not raw or fence <= leaseFence)', to: 'true' },
  { mistake: 'renew restores a record after the lease has ended', from: ' or now >= leaseEndAt then', to: ' then' },
  { mistake: 'complete restores a record after notAfter', from: ' or now >= tonumber(ARGV[8]) then', to: ' then' },
  {
    mistake: 'complete checks notAfter for its own record',
    from: "if isOwner and state == 'c' then return now end\nif",
    to: "if now >= tonumber(ARGV[8]) then return { now, 'gone' } end\nif",
  },
  {
    mistake: 'the last outcome is kept in place of the first',
    from: "if isOwner and state == 'c' then return now end\nif not isOwner or state ~= 'p' then",
    to: "if not isOwner or (state ~= 'p' and state ~= 'c') then",
  },
  {
    mistake: 'a released record is completed by its owner',
    from: "if not isOwner or state ~= 'p' then\n  if not recordLost then",
    to: 'if not isOwner then\n  if not recordLost then',
  },
  { mistake: 'complete makes an older copy expire earlier', from: 'leastExpiresAt = expiresAt', to: '' },
  {
    mistake: 'a restored record drops the steps of an older copy',
    from: "if not live then expiresAt, hasSideKey, listed, decisions = 0, 0, 0, '' end",
    to: "if not live then expiresAt, listed, decisions = 0, 0, '' end hasSideKey = 0",
  },
  {
    mistake: 'a restored record takes the steps of an expired one',
    from: "if not live then expiresAt, hasSideKey, listed, decisions = 0, 0, 0, '' end",
    to: "if not live then expiresAt, hasSideKey, listed, decisions = 0, hasSideKey or 0, 0, '' end",
  },
  {
    mistake: 'an empty outcome is recorded as no outcome',
    from: 'local hadSideKey, wasListed = hasSideKey, listed',
    to: "local hadSideKey, wasListed = hasSideKey, listed\nif ARGV[6] == '' then outcomeLifeMs = nil end",
  },
  {
    mistake: 'a missing outcome is recorded as an empty one',
    from: 'untilAt = outcomeLifeMs and now + outcomeLifeMs or 0',
    to: 'untilAt = now + (outcomeLifeMs or recordLifeMs)',
  },
  {
    mistake: 'the outcome lives as long as the record',
    from: 'untilAt = outcomeLifeMs and now + outcomeLifeMs or 0',
    to: 'untilAt = outcomeLifeMs and now + recordLifeMs or 0',
  },
  {
    mistake: 'an outcome that expires earlier is not written',
    from: "if hasSideKey == 1 then redis.call('SET', KEYS[2], ARGV[6],",
    to: "if false then redis.call('SET', KEYS[2], ARGV[6],",
  },
  {
    mistake: 'an outcome that expires with the record is not written',
    from: 'outcomeLifeMs and hasSideKey == 0 then head = head .. ARGV[6] end',
    to: 'false then end',
  },
  {
    mistake: 'a missing outcome is read as an empty one',
    from: "now < untilAt and redis.call('GET', KEYS[2]) }",
    to: "now < untilAt and (redis.call('GET', KEYS[2]) or '') }",
  },
  {
    mistake: 'a recovery that did not start is released as retryable',
    from: " or (ARGV[3] == 'not_started' and recovering == 1)",
    to: '',
  },
  {
    mistake: 'the owner token alone releases work that has started',
    from: " and ARGV[3] == 'not_started')",
    to: ')',
  },
  {
    mistake: 'the last bytes of a checkpoint are kept in place of the first',
    from: 'tonumber(ARGV[4]) <= seq',
    to: 'tonumber(ARGV[4]) < seq',
  },
  { mistake: 'the first step is not marked in the record', from: '  hasSideKey = 1\n', to: '  \n' },
  {
    mistake: 'the first step joins the steps of an expired record',
    from: "if isFirstStep then redis.call('DEL', KEYS[2]) end",
    to: '',
  },
  ...recordMutations,
  ...indexMutations,
];

/** How the scripts read the time, and how many of their calls are a millisecond of the clock that takes its place. */
const redisClock = 'time[1] * 1000 + math.floor(time[2] / 1000)';
const callsPerMs = 16;

/** A client whose Redis runs the scripts with one mistake. Throws if no script has the text that the mistake changes. */
export async function clientWithMutation(
  client: Redis,
  prefix: string,
  scripts: readonly LuaScript[],
  { from, to, isOfOneMs }: Mutation,
): Promise<RedisClient> {
  if (!scripts.some(({ text }) => text.includes(from))) throw new Error(`no script has the text: ${from}`);
  const clock = `${prefix}clock`;
  await client.set(clock, Date.now() * callsPerMs, 'EX', 600);
  const now = isOfOneMs ? `math.floor(redis.call('INCR', '${clock}') / ${callsPerMs})` : redisClock;
  const loaded = scripts.map(async ({ sha1, text }) => {
    const broken = await client.script('LOAD', text.split(from).join(to).replace(redisClock, now));
    return [sha1, String(broken)] as const;
  });
  const digests = new Map(await Promise.all(loaded));
  return {
    status: 'ready',
    options: { enableOfflineQueue: false },
    callBuffer: (evalsha, [sha, ...rest]) => client.callBuffer(evalsha, [digests.get(String(sha)) ?? '', ...rest]),
  };
}
