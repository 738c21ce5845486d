// Scripts with a mistake in what a record keeps: decisions, terms, the payload of a key, and the life of what was freed or removed.

export interface Mutation {
  readonly mistake: string;
  readonly from: string;
  readonly to: string;
}

export const recordMutations: readonly Mutation[] = [
  {
    mistake: 'a decision is not known again',
    from: 'if string.sub(last, 1, #decision) == decision then',
    to: 'if false then',
  },
  {
    mistake: 'a decision is known again after somebody has acquired',
    from: "if fence == math.max(ARGV[1] + 1, at) then return { now, 'ok' } end",
    to: "if at then return { now, 'ok' } end",
  },
  {
    mistake: 'a decision is known by an earlier one',
    from: "local last = string.match(decisions, '([^\\n]*)\\n$') or ''",
    to: "local last = string.match(decisions, '([^\\n]*)\\n') or ''",
  },
  {
    mistake: 'decisions before the last are forgotten',
    from: 'decisions = decisions .. decision',
    to: 'decisions = decision',
  },
  {
    mistake: 'an attempt forgets decisions',
    from: "state, token = 'p', ARGV[1]\n",
    to: "state, token, decisions = 'p', ARGV[1], ''\n",
  },
  {
    mistake: 'the next life has the decisions of the one before',
    from: "awaited, bound, decisions = false, 0, ''",
    to: "awaited, bound, decisions = false, 0, decisions or ''",
  },
  {
    mistake: 'a record written anew forgets the decisions of an older copy',
    from: "if not live then expiresAt, more, decisions = 0, 0, '' end",
    to: "if not live then expiresAt, more = 0, 0 end decisions = ''",
  },
  {
    mistake: 'a decision shortens the life of a record',
    from: 'tonumber(ARGV[4]) or 0, keptMs), expiresAt',
    to: 'tonumber(ARGV[4]) or 0, keptMs), 0',
  },
  {
    mistake: 'a decision that is not done shortens the life of a record',
    from: 'expiresAt = math.max(expiresAt, now + lifeMs)',
    to: 'expiresAt = now + lifeMs',
  },
  {
    mistake: 'a decision can shorten what the terms say',
    from: 'math.max(recordTtlMs, tonumber(ARGV[4]) or 0, keptMs)',
    to: 'math.max(tonumber(ARGV[4]) or recordTtlMs, keptMs)',
  },
  {
    mistake: 'a decision can shorten what the terms say of the outcome',
    from: 'math.max(outcomeTtlMs, tonumber(ARGV[5]) or 0)',
    to: '(tonumber(ARGV[5]) or outcomeTtlMs)',
  },
  {
    mistake: 'a decision without an outcome has an empty one',
    from: 'if not ARGV[8] then keptMs = nil end',
    to: '',
  },
  {
    mistake: 'what a recovering attempt found out shortens the life',
    from: 'elseif recovering == 1 then\n  leastExpiresAt = expiresAt\n',
    to: '',
  },
  {
    mistake: 'an attempt keeps the terms of the first',
    from: 'recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])',
    to: "if how == 'first' then recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]) end",
  },
  {
    mistake: 'a record written anew has no terms',
    from: 'recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(ARGV[4]), o + 0, u + 0',
    to: 'recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(ARGV[4]), o + 0, 0',
  },
  {
    mistake: 'a free record without steps lives on',
    from: 'expiresAt = math.min(expiresAt, math.max(now + 3600000, untilAt))',
    to: '',
  },
  {
    mistake: 'a free record with steps lives an hour',
    from: '  if more == 0 then\n    expiresAt = math.min',
    to: '  if true then\n    expiresAt = math.min',
  },
  { mistake: 'unbind is ignored', from: "if ARGV[8] and bound == 0 then fingerprint = '' end", to: '' },
  {
    mistake: 'the payload is forgotten without being asked',
    from: 'if ARGV[8] and bound == 0 then',
    to: 'if bound == 0 then',
  },
  {
    mistake: 'unbind forgets a payload that an earlier attempt bound',
    from: 'if ARGV[8] and bound == 0 then',
    to: 'if ARGV[8] then',
  },
  {
    mistake: 'every later attempt counts as bound',
    from: "bound = fingerprint ~= '' and 1 or 0",
    to: 'bound = 1',
  },
  { mistake: 'no later attempt is bound', from: "bound = fingerprint ~= '' and 1 or 0", to: 'bound = 0' },
  {
    mistake: 'the first attempt of a life is bound by the one before',
    from: "awaited, bound, decisions = false, 0, ''",
    to: "awaited, bound, decisions = false, bound or 0, ''",
  },
  {
    mistake: 'a record written anew is not bound',
    from: 'r + 0, g + 0, b + 0, n + 0, print',
    to: 'r + 0, g + 0, 0, n + 0, print',
  },
  {
    mistake: 'a decision about all steps leaves a record that says it has some',
    from: 'if #steps == 2 * #inDoubt then more = 0 end',
    to: '',
  },
  {
    mistake: 'a decision does not raise the fencing token',
    from: 'fence = math.max(fence + 1, now)\n',
    to: '',
  },
  { mistake: 'a decision leaves steps in doubt', from: "redis.call('HDEL', KEYS[2], inDoubt[i])", to: '' },
  { mistake: 'a decision drops steps that are done', from: "'^%d*[13579]:'", to: "'^%d*:'" },
  {
    mistake: 'a decision is forgotten by the record',
    from: "decisions .. decision .. string.format('%.0f ', now) .. ARGV[3] .. '\\n'",
    to: 'decisions',
  },
  {
    mistake: 'removing leaves no fencing token',
    from: "expiresAt = math.max(now, state == 'p' and untilAt or 0) + 3600000",
    to: 'expiresAt, fence = now + 3600000, 0',
  },
  {
    mistake: 'a removed record is gone before the last late message of its owner',
    from: "math.max(now, state == 'p' and untilAt or 0) + 3600000",
    to: 'now + 3600000',
  },
  { mistake: 'numbers are cut to four bytes', from: 'BBBBBddddddddBc0', to: 'BBBBBI4I4I4I4I4I4I4I4Bc0' },
];
