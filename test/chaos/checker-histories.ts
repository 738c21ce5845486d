// Correct histories, and histories that each break one invariant, for the tests of the checker.
import type { HistoryEvent } from './history.js';
import {
  acquireSent,
  began,
  called,
  callOverdue,
  completed,
  dataLost,
  decided,
  granted,
  keyScanned,
  processEvent,
  refused,
  released,
  releaseSent,
  renewed,
  returned,
  storeCallFailed,
} from './history-builders.js';
import type { InvariantName } from './key-history.js';

const guarded = { guarded: true };
const replayed = { digest: 'by A', completedBy: 10, completedAt: 300 };
const sent = acquireSent(100);

export const correctHistories: readonly (readonly [string, readonly HistoryEvent[]])[] = [
  ['nothing', []],
  [
    'one execution, renewed, and its replays',
    [
      called(90),
      granted(100, 'A', 10),
      began(101, 10),
      refused(150, 'in_progress'),
      renewed(200, 'A', 10),
      completed(300, 'A', 10),
      returned(300, 'executed', { recorded: true, digest: 'value' }),
      refused(400, 'completed', replayed),
      returned(400, 'replayed', { digest: 'value' }),
      processEvent('ended'),
    ],
  ],
  [
    'a repeated grant, and a repeated completion',
    [granted(100, 'A', 10), granted(150, 'A', 10), completed(300, 'A', 10), completed(310, 'A', 10)],
  ],
  [
    'a failure, and another run',
    [granted(100, 'A', 10), began(101, 10), releaseSent(200, 'A', 10), granted(201, 'B', 11), began(202, 11)],
  ],
  [
    'an owner that disappeared, and another run after its lease',
    [granted(100, 'A', 10), began(101, 10), renewed(400, 'A', 10), granted(1_400, 'B', 1_400), began(1_401, 1_400)],
  ],
  [
    'a stale owner that comes back and gets lost',
    [granted(100, 'A', 10), granted(1_100, 'B', 11), completed(1_200, 'A', 10, { reply: 'lost', digest: undefined })],
  ],
  [
    'guarded work that runs again after a decision',
    [
      granted(100, 'A', 10, guarded),
      began(101, 10),
      refused(1_200, 'outcome_unknown'),
      ...decided(1_300, 10, 'not_done'),
      completed(1_350, 'A', 10, { reply: 'lost', digest: undefined }),
      granted(1_400, 'B', 1_400),
      began(1_401, 1_400),
    ],
  ],
  [
    'guarded work that its owner releases',
    [granted(100, 'A', 10, guarded), releaseSent(200, 'A', 10), granted(300, 'B', 300)],
  ],
  [
    'guarded work that an operator resolves as done',
    [granted(100, 'A', 10, guarded), ...decided(1_300, 10, 'done'), refused(1_400, 'expired', { digest: null })],
  ],
  [
    'a loss of data: another owner, another outcome, and both leases alive',
    [
      granted(100, 'A', 10, guarded),
      began(101, 10),
      completed(200, 'A', 10),
      returned(200, 'executed', { recorded: true, digest: 'value' }),
      dataLost(250),
      granted(300, 'B', 300),
      began(301, 300),
      completed(400, 'B', 300),
      returned(400, 'executed', { recorded: true, digest: 'other value' }),
    ],
  ],
  [
    'a loss of data: the owner restores its record',
    [
      granted(100, 'A', 10),
      dataLost(250),
      renewed(300, 'A', 10, { reply: 'restored' }),
      completed(400, 'A', 10, { reply: 'restored' }),
      refused(500, 'completed', { ...replayed, completedAt: 400 }),
    ],
  ],
  [
    'a loss of data: the owner comes too late',
    [granted(100, 'A', 10), dataLost(250), completed(300, 'A', 10, { reply: 'gone', digest: undefined })],
  ],
  [
    'a call that failed in time, in a process that was killed with another',
    [sent, storeCallFailed(sent), processEvent('killed')],
  ],
  ['a call that never ended because its process was killed', [called(100), acquireSent(100), processEvent('killed')]],
  ['a last repeat that gets an outcome', [called(100, { isLastRepeat: true }), returned(200, 'outcome_unknown')]],
  ['records with a time to live', [keyScanned(60_000), keyScanned(0)]],
];

export const brokenHistories: readonly (readonly [InvariantName, string, readonly HistoryEvent[]])[] = [
  ['one lease', 'two leases at once', [granted(100, 'A', 10), granted(1_099, 'B', 11)]],
  [
    'one lease',
    'a second grant during a renewed lease',
    [granted(100, 'A', 10), renewed(900, 'A', 10), granted(1_500, 'B', 11)],
  ],
  [
    'one lease',
    'a second grant during a lease that was restored after a loss',
    [granted(100, 'A', 10), dataLost(200), renewed(300, 'A', 10, { reply: 'restored' }), granted(400, 'B', 400)],
  ],
  [
    'one lease',
    'an owner that gets lost before its lease has ended',
    [granted(100, 'A', 10), released(500, 'A', 10, 'lost')],
  ],
  [
    'replays',
    'another outcome than the recorded one',
    [granted(100, 'A', 10), completed(300, 'A', 10), refused(400, 'completed', { ...replayed, digest: 'other' })],
  ],
  ['replays', 'the outcome is dropped too early', [completed(300, 'A', 10), refused(400, 'expired', { digest: null })]],
  [
    'replays',
    'two callers get different values',
    [
      returned(300, 'executed', { recorded: true, digest: 'value' }),
      returned(400, 'replayed', { digest: 'other value' }),
    ],
  ],
  [
    'replays',
    'a repeat after the completion runs',
    [granted(100, 'A', 10), completed(300, 'A', 10), granted(301, 'B', 11)],
  ],
  [
    'replays',
    'a repeat after the completion gets no outcome',
    [completed(300, 'A', 10), refused(400, 'outcome_unknown')],
  ],
  ['replays', 'a decision is lost', [...decided(300, 10, 'done'), refused(400, 'in_progress')]],
  [
    'stale owner',
    'a stale owner records its outcome',
    [granted(100, 'A', 10), granted(1_200, 'B', 1_200), completed(1_300, 'A', 10)],
  ],
  [
    'stale owner',
    'a stale owner releases the lease of another one',
    [granted(100, 'A', 10), granted(1_200, 'B', 1_200), released(1_300, 'A', 10)],
  ],
  [
    'stale owner',
    'after a loss a stale owner overwrites the newer record',
    [granted(100, 'A', 10), dataLost(150), granted(200, 'B', 200), completed(300, 'A', 10, { reply: 'restored' })],
  ],
  [
    'stale owner',
    'the outcome of a stale owner is recorded, without a reply to its completion',
    [
      granted(100, 'A', 10),
      granted(1_200, 'B', 1_200),
      refused(1_400, 'completed', { digest: 'by A', completedBy: 10, completedAt: 1_300 }),
    ],
  ],
  [
    'stale owner',
    'an owner completes after a decision about its lease',
    [granted(100, 'A', 10), ...decided(1_200, 10, 'not_done'), completed(1_300, 'A', 10)],
  ],
  ['fencing tokens', 'the same token again', [granted(100, 'A', 10), granted(1_200, 'B', 10)]],
  ['fencing tokens', 'a lower token after a loss', [granted(100, 'A', 10), dataLost(200), granted(1_200, 'B', 9)]],
  [
    'executions',
    'run again after it was completed',
    [granted(100, 'A', 10), began(101, 10), completed(200, 'A', 10), granted(1_300, 'B', 11), began(1_301, 11)],
  ],
  [
    'executions',
    'run again while its owner is running',
    [granted(100, 'A', 10), began(101, 10), granted(300, 'B', 11), began(301, 11)],
  ],
  ['executions', 'run twice under one lease', [granted(100, 'A', 10), began(101, 10), began(102, 10)]],
  ['executions', 'run without a lease', [began(101, 10)]],
  ['guarded work', 'run again after its lease', [granted(100, 'A', 10, guarded), granted(1_200, 'B', 1_200)]],
  [
    'guarded work',
    'run again after its owner released it as unknown',
    [granted(100, 'A', 10, guarded), releaseSent(200, 'A', 10, 'unknown'), granted(300, 'B', 300)],
  ],
  [
    'guarded work',
    'run again after a decision about another attempt',
    [granted(100, 'A', 10, guarded), ...decided(1_200, 9, 'not_done'), granted(1_300, 'B', 1_300)],
  ],
  ['nothing hangs', 'a store call is overdue', [sent, callOverdue(sent)]],
  ['nothing hangs', 'a call never ends', [called(100), processEvent('ended')]],
  ['nothing hangs', 'a store call never ends', [sent, processEvent('ended')]],
  [
    'nothing hangs',
    'a key without an outcome at the end',
    [called(100, { isLastRepeat: true }), returned(200, 'in_progress')],
  ],
  [
    'no unhandled rejection',
    'an unhandled rejection',
    [{ at: 1, by: 'w1', kind: 'unhandled', why: 'Error: nobody cared' }],
  ],
  ['no unhandled rejection', 'a process that ended by itself', [processEvent('died')]],
  ['ttl', 'a record without a time to live', [keyScanned(60_000), keyScanned(-1)]],
];
