// Mistakes in how a script keeps the index of doubts.
import type { Mutation } from './record-mutations.js';

export const indexMutations: readonly Mutation[] = [
  {
    mistake: 'a guarded attempt on a new key is not listed',
    from: 'if guarded == 1 then',
    to: 'if false then',
  },
  {
    mistake: 'a guarded attempt is not listed',
    from: 'local isDoubtful = guarded == 1',
    to: 'local isDoubtful = false',
  },
  {
    mistake: 'an attempt that follows a step in doubt is not listed',
    from: 'for i = 2, #steps, 2 do isDoubtful',
    to: 'for i = 2, 0, 2 do isDoubtful',
  },
  {
    mistake: 'a step in doubt does not list its record',
    from: 'local becomesDoubtful = listed == 0 and',
    to: 'local becomesDoubtful = false and',
  },
  {
    mistake: 'an unknown outcome of an attempt that was not guarded is not listed',
    from: "redis.pcall('ZADD', KEYS[3], state",
    to: "redis.pcall('ZADD', KEYS[3], 'XX', state",
  },
  {
    mistake: 'an unknown outcome is looked at only when its recovery may be tried',
    from: "state == 'u' and '0' or ",
    to: '',
  },
  {
    mistake: 'a restored record is not listed',
    from: 'elseif guarded == 1 or hasSideKey == 1 then',
    to: 'elseif false then',
  },
  {
    mistake: 'an index expires before a record that it lists',
    from: "redis.call('PEXPIRE', KEYS[3], keyLifeMs",
    to: "redis.call('PEXPIRE', KEYS[3], keyLifeMs / 1e9",
  },
];
