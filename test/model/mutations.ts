// Scripts with a mistake in them, one each, such as a translation of the protocol could have.
import type { Redis } from 'ioredis';
import type { RedisClient } from '../../packages/core/src/redis/index.js';
import type { Script } from '../../packages/core/src/redis/script.js';

export interface Mutation {
  readonly mistake: string;
  readonly from: string;
  readonly to: string;
}

export const mutations: readonly Mutation[] = [
  {
    mistake: 'acquire runs after notAfter',
    from: "if now > request.notAfter then return answer('superseded') end",
    to: '',
  },
  {
    mistake: 'a lease is still alive at its end',
    from: 'if now < record.leaseEndAt then return nil end',
    to: 'if now <= record.leaseEndAt then return nil end',
  },
  { mistake: 'a lease can be shortened', from: 'if now + leaseMs > r.leaseEndAt then', to: 'if true then' },
  {
    mistake: 'a new attempt can shorten the life of the record',
    from: 'following.expiresAt = math.max(record.expiresAt, following.expiresAt)',
    to: '',
  },
  {
    mistake: 'the owner token alone makes an owner',
    from: 'r.token == lease.token and r.fence == lease.fence',
    to: 'r.token == lease.token',
  },
  {
    mistake: 'the fencing token alone makes an owner',
    from: 'r.token == lease.token and r.fence == lease.fence',
    to: 'r.fence == lease.fence',
  },
  {
    mistake: 'the last bytes of an outcome stand',
    from: "if record.state == 'completed' then return answer('ok') end\n  if",
    to: 'if',
  },
  {
    mistake: 'a completed record counts as an older copy',
    from: "if r.state == 'completed' or r.state == 'removed' then",
    to: "if r.state == 'removed' then",
  },
  {
    mistake: 'a removed record counts as an older copy',
    from: "if r.state == 'completed' or r.state == 'removed' then",
    to: "if r.state == 'completed' then",
  },
  { mistake: 'the fencing token does not grow over what the caller has seen', from: ', request.fenceSeen + 1', to: '' },
  {
    mistake: 'a fencing token of a life that ended is forgotten',
    from: 'record and record.fence or 0',
    to: 'live(record) and record.fence or 0',
  },
  {
    mistake: 'guarded work is run again',
    from: "if not record.guarded then return follow('takeover') end",
    to: "if true then return follow('takeover') end",
  },
  {
    mistake: 'recover does not wait until it may look again',
    from: ' or now < (tonumber(record.retryAt) or 0)',
    to: '',
  },
  { mistake: 'a missing fingerprint differs from any', from: "and fingerprint ~= '' and", to: 'and' },
  {
    mistake: 'missing bytes are an empty outcome',
    from: "redis.call('GET', KEYS[2])",
    to: "(redis.call('GET', KEYS[2]) or '')",
  },
  {
    mistake: 'an empty outcome is none',
    from: 'if not bytes then return',
    to: "if not bytes or bytes == '' then return",
  },
  {
    mistake: 'the bytes live as long as the record',
    from: 'now + completion.outcomeTtlMs',
    to: 'now + terms.recordTtlMs',
  },
  {
    mistake: 'work that was recovering is given back as retryable',
    from: "or (how.as == 'not_started' and r.recovering)",
    to: '',
  },
  { mistake: 'the last bytes of a checkpoint stand', from: 'point.seq <= tonumber', to: 'point.seq < tonumber' },
  {
    mistake: 'renew writes anew after the lease is over',
    from: ' or now >= lease.leaseEndAt then',
    to: ' then',
  },
  { mistake: 'complete writes anew after notAfter', from: ' or now >= completion.notAfter then', to: ' then' },
  {
    mistake: 'complete shortens the life of an older copy',
    from: 'anew.expiresAt = math.max(anew.expiresAt, live(record) and record.expiresAt or 0)',
    to: '',
  },
  {
    mistake: 'a newer record whose life ended is written over',
    from: 'return not r or r.fence <= lease.fence',
    to: 'return true',
  },
  {
    mistake: 'steps of a life that ended are kept',
    from: "if record and not live(record) then redis.call('DEL', KEYS[1], KEYS[2]) end\nwrite(becomes)",
    to: 'write(becomes)',
  },
  {
    mistake: 'steps stay on a completed record',
    from: "redis.call('DEL', KEYS[1])\n  else",
    to: '  else',
  },
  {
    mistake: 'a decision is not known again',
    from: "if string.sub(record.resolved, 1, #decision) == decision then return answer('ok') end",
    to: '',
  },
  {
    mistake: 'a decision does not raise the fencing token',
    from: 'math.max(record.fence + 1, now), decision',
    to: 'record.fence, decision',
  },
  {
    mistake: 'a decision leaves steps in doubt',
    from: "redis.call('HDEL', KEYS[1], fields[i])",
    to: '',
  },
  {
    mistake: 'a decision drops steps that are done',
    from: "'^%d*[13579]:'",
    to: "'^%d*:'",
  },
  {
    mistake: 'removing leaves no fencing token',
    from: "state = 'removed', fence = record.fence",
    to: "state = 'removed', fence = 0",
  },
  {
    mistake: 'long numbers are rounded',
    from: "return string.format('%.0f', number)",
    to: 'return tostring(number)',
  },
];

/** A client whose Redis runs the scripts with that mistake. Throws if no script has the text that it changes. */
export async function mutated(client: Redis, scripts: readonly Script[], { from, to }: Mutation): Promise<RedisClient> {
  if (!scripts.some(({ text }) => text.includes(from))) throw new Error(`no script has the text: ${from}`);
  const loaded = scripts.map(async ({ sha, text }) => {
    const broken = await client.script('LOAD', text.split(from).join(to));
    return [sha, String(broken)] as const;
  });
  const digests = new Map(await Promise.all(loaded));
  return {
    status: 'ready',
    options: { enableOfflineQueue: false },
    callBuffer: (evalsha, [sha, ...rest]) => client.callBuffer(evalsha, [digests.get(String(sha)) ?? '', ...rest]),
  };
}
