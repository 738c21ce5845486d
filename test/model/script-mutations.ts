// Scripts with a mistake in them, one each, such as a translation of the protocol could have.
import type { Redis } from 'ioredis';
import type { RedisClient } from '../../packages/core/src/stores/redis/index.js';
import type { LuaScript } from '../../packages/core/src/stores/redis/wire/lua-script.js';
import { type Mutation, recordMutations } from './record-mutations.js';

export const scriptMutations: readonly Mutation[] = [
  {
    mistake: 'acquire runs after notAfter',
    from: "if now > tonumber(ARGV[5]) then return { now, 'superseded' } end",
    to: '',
  },
  {
    mistake: 'a lease is still alive at its end',
    from: 'elseif now < untilAt then waits = ARGV[10]',
    to: 'elseif now <= untilAt then waits = ARGV[10]',
  },
  {
    mistake: 'a lease that is over counts as alive',
    from: 'elseif now < untilAt then waits = ARGV[10]',
    to: 'elseif true then waits = ARGV[10]',
  },
  {
    mistake: 'another payload is let in',
    from: "elseif fingerprint ~= '' and ARGV[2] ~= '' and fingerprint ~= ARGV[2] then",
    to: 'elseif false then',
  },
  { mistake: 'a missing fingerprint differs from any', from: "and ARGV[2] ~= '' and", to: 'and' },
  {
    mistake: 'a record without a fingerprint takes none',
    from: "if ARGV[2] ~= '' then fingerprint = ARGV[2] end",
    to: '',
  },
  {
    mistake: 'whoever compares no payloads takes the fingerprint away',
    from: "if ARGV[2] ~= '' then fingerprint = ARGV[2] end",
    to: 'fingerprint = ARGV[2]',
  },
  { mistake: 'a record whose life is over still counts', from: 'live = now < expiresAt', to: 'live = true' },
  {
    mistake: 'a life is over at its last millisecond',
    from: 'live = now < expiresAt',
    to: 'live = now + 1 < expiresAt',
  },
  {
    mistake: 'an acquisition that is sent again is refused',
    from: "if token == ARGV[1] then how = 'resent'",
    to: "if false then how = 'resent'",
  },
  { mistake: 'a lease can be shortened', from: 'if now + leaseMs > untilAt then', to: 'if true then' },
  {
    mistake: 'a longer lease does not prolong the life',
    from: 'expiresAt = math.max(expiresAt, untilAt + (guarded == 1 and guardedTtlMs or plainTtlMs))',
    to: '',
  },
  {
    mistake: 'a guarded record lives no longer than others',
    from: '(guarded == 1 and math.max(recordTtlMs, unknownTtlMs) or recordTtlMs)',
    to: 'recordTtlMs',
  },
  { mistake: 'a new attempt can shorten the life of the record', from: 'math.max(expiresAt, endsAt)', to: 'endsAt' },
  {
    mistake: 'the policy of the next caller undoes a guard',
    from: "elseif guarded == 0 then how = 'takeover'",
    to: "elseif ARGV[4] == 'rerun' then how = 'takeover'",
  },
  {
    mistake: 'guarded work is run again',
    from: "elseif guarded == 0 then how = 'takeover'",
    to: "elseif true then how = 'takeover'",
  },
  {
    mistake: 'recover does not wait until it may look again',
    from: " and now >= untilAt then how = 'recovering' end",
    to: " then how = 'recovering' end",
  },
  {
    mistake: 'a late copy of an acquisition that was given back runs',
    from: "if token ~= ARGV[1] then how = 'again' end",
    to: "how = 'again'",
  },
  {
    mistake: 'an attempt is not counted',
    from: 'attempt, expiresAt = attempt + 1,',
    to: 'attempt, expiresAt = attempt,',
  },
  { mistake: 'the fencing token does not grow over what the caller has seen', from: ', ARGV[6] + 1', to: '' },
  {
    mistake: 'a fencing token of a life that ended is forgotten',
    from: '(fence or 0) + 1',
    to: '(live and fence or 0) + 1',
  },
  {
    mistake: 'steps of a life that ended are kept',
    from: "if how == 'first' then more = 0 end",
    to: "if how == 'first' then more = more == 1 and state ~= 'c' and 1 or 0 end",
  },
  {
    mistake: 'the owner token alone makes an owner',
    from: 'token == ARGV[1] and fence == held',
    to: 'token == ARGV[1]',
  },
  {
    mistake: 'the fencing token alone makes an owner',
    from: 'token == ARGV[1] and fence == held',
    to: 'fence == held',
  },
  { mistake: 'an owner keeps a record whose life is over', from: 'local own = live and', to: 'local own = raw and' },
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
  { mistake: 'a newer record whose life ended is written over', from: '(not raw or fence <= held)', to: 'true' },
  { mistake: 'renew writes anew after the lease is over', from: ' or now >= leaseEndAt then', to: ' then' },
  { mistake: 'complete writes anew after notAfter', from: ' or now >= tonumber(ARGV[8]) then', to: ' then' },
  {
    mistake: 'complete asks for notAfter on its own record',
    from: "if own and state == 'c' then return { now, 'ok' } end\nif",
    to: "if now >= tonumber(ARGV[8]) then return { now, 'gone' } end\nif",
  },
  {
    mistake: 'the last bytes of an outcome stand',
    from: "if own and state == 'c' then return { now, 'ok' } end\nif not own or state ~= 'p' then",
    to: "if not own or (state ~= 'p' and state ~= 'c') then",
  },
  {
    mistake: 'a record that was given back is completed by its owner',
    from: "if not own or state ~= 'p' then\n  if not loses then",
    to: 'if not own then\n  if not loses then',
  },
  { mistake: 'complete shortens the life of an older copy', from: 'leastExpiresAt = expiresAt', to: '' },
  {
    mistake: 'a record written anew forgets the steps of an older copy',
    from: "if not live then expiresAt, more, decisions = 0, 0, '' end",
    to: "if not live then expiresAt, decisions = 0, '' end more = 0",
  },
  {
    mistake: 'a record written anew takes steps of a life that ended',
    from: "if not live then expiresAt, more, decisions = 0, 0, '' end",
    to: "if not live then expiresAt, more, decisions = 0, more or 0, '' end",
  },
  {
    mistake: 'an empty outcome is none',
    from: 'local hadMore = more',
    to: "local hadMore = more\nif ARGV[6] == '' then keptMs = nil end",
  },
  {
    mistake: 'no outcome is an empty one',
    from: 'untilAt = keptMs and now + keptMs or 0',
    to: 'untilAt = now + (keptMs or lifeMs)',
  },
  {
    mistake: 'the bytes live as long as the record',
    from: 'untilAt = keptMs and now + keptMs or 0',
    to: 'untilAt = keptMs and now + lifeMs or 0',
  },
  {
    mistake: 'bytes that go earlier are not written',
    from: "if more == 1 then redis.call('SET', KEYS[2], ARGV[6],",
    to: "if false then redis.call('SET', KEYS[2], ARGV[6],",
  },
  {
    mistake: 'bytes that go with the record are not written',
    from: 'keptMs and more == 0 then head = head .. ARGV[6] end',
    to: 'false then end',
  },
  {
    mistake: 'missing bytes are an empty outcome',
    from: "now < untilAt and redis.call('GET', KEYS[2]) }",
    to: "now < untilAt and (redis.call('GET', KEYS[2]) or '') }",
  },
  {
    mistake: 'work that was recovering is given back as retryable',
    from: " or (ARGV[3] == 'not_started' and recovering == 1)",
    to: '',
  },
  {
    mistake: 'a token alone gives back more than what was not started',
    from: " and ARGV[3] == 'not_started')",
    to: ')',
  },
  {
    mistake: 'the last bytes of a checkpoint stand',
    from: 'tonumber(ARGV[4]) <= seq',
    to: 'tonumber(ARGV[4]) < seq',
  },
  { mistake: 'a step that is checkpointed first is forgotten', from: '  more = 1\n', to: '  \n' },
  {
    mistake: 'the first step joins what an earlier life has left',
    from: "  redis.call('DEL', KEYS[2])\nend\nredis.call('HSET'",
    to: "end\nredis.call('HSET'",
  },
  ...recordMutations,
];

/** A client whose Redis runs the scripts with that mistake. Throws if no script has the text that it changes. */
export async function clientWithMutation(
  client: Redis,
  scripts: readonly LuaScript[],
  { from, to }: Mutation,
): Promise<RedisClient> {
  if (!scripts.some(({ text }) => text.includes(from))) throw new Error(`no script has the text: ${from}`);
  const loaded = scripts.map(async ({ sha1, text }) => {
    const broken = await client.script('LOAD', text.split(from).join(to));
    return [sha1, String(broken)] as const;
  });
  const digests = new Map(await Promise.all(loaded));
  return {
    status: 'ready',
    options: { enableOfflineQueue: false },
    callBuffer: (evalsha, [sha, ...rest]) => client.callBuffer(evalsha, [digests.get(String(sha)) ?? '', ...rest]),
  };
}
