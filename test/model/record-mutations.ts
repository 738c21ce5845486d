// Mistakes in what a script keeps in a record: decisions, TTLs, the payload of a key, and how long a released or removed record lives.

export interface Mutation {
  readonly mistake: string;
  readonly from: string;
  readonly to: string;
  /** It shows in one millisecond alone: the scripts run on a clock that moves with their calls, so that any machine meets that millisecond. */
  readonly isOfOneMs?: true;
}

const descriptionMutations: readonly Mutation[] = [
  {
    mistake: "a new key has the TTLs of the result and of the record in each other's place",
    from: 'untilAt, ARGV[3], ARGV[7], ARGV[8],',
    to: 'untilAt, ARGV[3], ARGV[8], ARGV[7],',
  },
  {
    mistake: 'a new key expires with its lease',
    from: 'now + keyLifeMs - 60000, untilAt, ARGV[3]',
    to: 'untilAt, untilAt, ARGV[3]',
  },
  {
    mistake: 'a new key forgets that its work is guarded',
    from: "'p', 0, 0, guarded, 0, 0, listed,",
    to: "'p', 0, 0, 0, 0, 0, listed,",
  },
  {
    mistake: 'a later attempt keeps the operation',
    from: 'operation, acquiredAt = ARGV[10], now',
    to: 'operation, acquiredAt = operation or ARGV[10], now',
  },
  {
    mistake: 'a later attempt keeps its start',
    from: 'operation, acquiredAt = ARGV[10], now',
    to: 'operation, acquiredAt = ARGV[10], acquiredAt or now',
  },
  {
    mistake: 'a resent acquisition gets a new start',
    from: 'local leaseMs, plainTtlMs, guardedTtlMs = tonumber(ARGV[3])',
    to: 'acquiredAt = now local leaseMs, plainTtlMs, guardedTtlMs = tonumber(ARGV[3])',
  },
  {
    mistake: 'a later attempt counts as the first in time',
    from: "  bound = fingerprint ~= '' and 1 or 0\n",
    to: "  firstAcquiredAt, bound = now, fingerprint ~= '' and 1 or 0\n",
  },
  {
    mistake: 'an attempt without a label drops that of the record',
    from: "if ARGV[11] ~= '' then label = ARGV[11] end",
    to: 'label = ARGV[11]',
  },
  { mistake: 'a later attempt keeps the label', from: "if ARGV[11] ~= '' then label = ARGV[11] end", to: '' },
  {
    mistake: 'a new record keeps the label of the expired one',
    from: 'label, traceparent = ARGV[11], ARGV[12]',
    to: "label, traceparent = ARGV[11] ~= '' and ARGV[11] or label or '', ARGV[12]",
  },
  {
    mistake: 'a recovery without a trace drops that of the attempt',
    from: "if ARGV[12] ~= '' or mode ~= 'recovery' then",
    to: 'if true then',
  },
  {
    mistake: 'a retry without a trace keeps that of the attempt before',
    from: "if ARGV[12] ~= '' or mode ~= 'recovery' then",
    to: "if ARGV[12] ~= '' then",
  },
  { mistake: 'a restored record began when it was restored', from: 'firstText + 0, acquiredText + 0', to: 'now, now' },
  {
    mistake: 'a restored record has no label',
    from: '  fingerprint, traceparent, operation, label =\n',
    to: '  fingerprint, traceparent, operation =\n',
  },
];

export const recordMutations: readonly Mutation[] = [
  {
    mistake: 'a repeated decision is not recognised',
    from: 'if string.sub(last, 1, #decision) == decision then',
    to: 'if false then',
  },
  {
    mistake: 'a repeated decision is recognised although somebody has acquired since',
    from: 'if words == ARGV[3] and fence == math.max(ARGV[1] + 1, at) then',
    to: 'if words == ARGV[3] then',
  },
  {
    mistake: 'the same decision of another person is taken for a repeated one',
    from: 'if words == ARGV[3] and fence == math.max(ARGV[1] + 1, at) then',
    to: 'if fence == math.max(ARGV[1] + 1, at) then',
  },
  {
    mistake: 'a repeated decision is compared with the first one',
    from: "local last = string.match(decisions, '([^\\n]*)\\n$') or ''",
    to: "local last = string.match(decisions, '([^\\n]*)\\n') or ''",
  },
  {
    mistake: 'only the last decision is kept',
    from: 'decisions = decisions .. decision',
    to: 'decisions = decision',
  },
  {
    mistake: 'a new attempt drops the decisions',
    from: "state, token = 'p', ARGV[1]\n",
    to: "state, token, decisions = 'p', ARGV[1], ''\n",
  },
  {
    mistake: 'a new record keeps the decisions of the expired one',
    from: "awaited, bound, decisions = false, 0, ''",
    to: "awaited, bound, decisions = false, 0, decisions or ''",
  },
  {
    mistake: 'a restored record drops the decisions of an older copy',
    from: "if not live then expiresAt, hasSideKey, listed, decisions = 0, 0, 0, '' end",
    to: "if not live then expiresAt, hasSideKey, listed = 0, 0, 0 end decisions = ''",
  },
  {
    mistake: 'a decision makes the record expire earlier',
    from: 'tonumber(ARGV[4]) or 0, outcomeLifeMs), expiresAt',
    to: 'tonumber(ARGV[4]) or 0, outcomeLifeMs), 0',
  },
  {
    mistake: 'a decision of not_done makes the record expire earlier',
    from: 'expiresAt = math.max(expiresAt, now + recordLifeMs)',
    to: 'expiresAt = now + recordLifeMs',
  },
  {
    mistake: "a decision can shorten the record's TTL",
    from: 'math.max(recordTtlMs, tonumber(ARGV[4]) or 0, outcomeLifeMs)',
    to: 'math.max(tonumber(ARGV[4]) or recordTtlMs, outcomeLifeMs)',
  },
  {
    mistake: "a decision can shorten the outcome's TTL",
    from: 'math.max(outcomeTtlMs, tonumber(ARGV[5]) or 0)',
    to: '(tonumber(ARGV[5]) or outcomeTtlMs)',
  },
  {
    mistake: 'a decision without an outcome records an empty outcome',
    from: 'if not ARGV[8] then outcomeLifeMs = nil end',
    to: '',
  },
  {
    mistake: 'the outcome of a recovery makes the record expire earlier',
    from: 'elseif recovering == 1 then\n  leastExpiresAt = expiresAt\n',
    to: '',
  },
  {
    mistake: 'a later attempt keeps the TTLs of the first',
    from: 'recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])',
    to: "if mode == 'first' then recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]) end",
  },
  {
    mistake: 'a restored record has no unknownTtlMs',
    from: 'recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(plainTtlMs), outcomeTtl + 0, unknownTtl + 0',
    to: 'recordTtlMs, outcomeTtlMs, unknownTtlMs = tonumber(plainTtlMs), outcomeTtl + 0, 0',
  },
  {
    mistake: 'a released record without steps keeps its expiry',
    from: "if decisions == '' then expiresAt = math.min(expiresAt, math.max(now + 3600000, untilAt)) end",
    to: '',
  },
  {
    mistake: 'a released record with steps expires after an hour',
    from: "  if hasSideKey == 0 then\n    if decisions == ''",
    to: "  if true then\n    if decisions == ''",
  },
  { mistake: 'unbind is ignored', from: "if ARGV[8] and bound == 0 then fingerprint = '' end", to: '' },
  {
    mistake: 'the fingerprint is dropped without unbind',
    from: 'if ARGV[8] and bound == 0 then',
    to: 'if bound == 0 then',
  },
  {
    mistake: 'unbind drops a fingerprint that an earlier attempt bound',
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
    mistake: 'the first attempt of a new record is bound by the expired one',
    from: "awaited, bound, decisions = false, 0, ''",
    to: "awaited, bound, decisions = false, bound or 0, ''",
  },
  {
    mistake: 'a restored record is not bound',
    from: 'boundFlag + 0\nattempt',
    to: '0\nattempt',
  },
  {
    mistake: 'a decision that drops all steps leaves hasSideKey set',
    from: 'if #steps == 2 * #intents then hasSideKey = 0 end',
    to: '',
  },
  {
    mistake: 'a decision does not raise the fencing token',
    from: 'fence = math.max(fence + 1, now)\n',
    to: '',
  },
  { mistake: 'a decision leaves steps in doubt', from: "redis.call('HDEL', KEYS[2], intents[i])", to: '' },
  { mistake: 'a decision drops completed steps', from: "'^%d*[13579]:'", to: "'^%d*:'" },
  {
    mistake: 'a decision is not recorded',
    from: "decisions .. decision .. string.format('%.0f ', now) .. ARGV[3] .. '\\n'",
    to: 'decisions',
  },
  {
    mistake: 'remove drops the fencing token',
    from: "expiresAt = math.max(now, state == 'p' and untilAt or 0) + 3600000",
    to: 'expiresAt, fence = now + 3600000, 0',
  },
  {
    mistake: 'a removed record expires before the last late message of its owner',
    from: "math.max(now, state == 'p' and untilAt or 0) + 3600000",
    to: 'now + 3600000',
  },
  {
    mistake: 'a released record without steps forgets its decisions after an hour',
    from: "if decisions == '' then expiresAt = math.min",
    to: 'if true then expiresAt = math.min',
  },
  {
    mistake: 'numbers are packed into four bytes',
    from: 'BBBBBddddddddddBc0',
    to: 'BBBBBI4I4I4I4I4I4I4I4I4I4Bc0',
  },
  ...descriptionMutations,
];
