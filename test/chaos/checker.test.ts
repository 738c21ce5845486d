// The checker finds nothing in histories that are as they should be, and finds each broken one, by its right name.
import { describe, expect, test } from 'vitest';
import { check } from './checker.js';
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
const asked = acquireSent(100);

const correctHistories: readonly (readonly [string, readonly HistoryEvent[]])[] = [
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
    'an answer repeated, and a completion repeated',
    [granted(100, 'A', 10), granted(150, 'A', 10), completed(300, 'A', 10), completed(310, 'A', 10)],
  ],
  [
    'a failure, and another run',
    [granted(100, 'A', 10), began(101, 10), releaseSent(200, 'A', 10), granted(201, 'B', 11), began(202, 11)],
  ],
  [
    'an owner that vanished, and another run after its lease',
    [granted(100, 'A', 10), began(101, 10), renewed(400, 'A', 10), granted(1_400, 'B', 1_400), began(1_401, 1_400)],
  ],
  [
    'an owner that comes back and is told so',
    [granted(100, 'A', 10), granted(1_100, 'B', 11), completed(1_200, 'A', 10, { reply: 'lost', digest: undefined })],
  ],
  [
    'guarded work that waits for a decision, and is run again',
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
    'guarded work that its owner gives back',
    [granted(100, 'A', 10, guarded), releaseSent(200, 'A', 10), granted(300, 'B', 300)],
  ],
  [
    'guarded work that somebody takes for done',
    [granted(100, 'A', 10, guarded), ...decided(1_300, 10, 'done'), refused(1_400, 'expired', { digest: null })],
  ],
  [
    'a loss: another owner, another outcome, and both leases alive',
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
    'a loss: the owner writes its record anew',
    [
      granted(100, 'A', 10),
      dataLost(250),
      renewed(300, 'A', 10, { reply: 'restored' }),
      completed(400, 'A', 10, { reply: 'restored' }),
      refused(500, 'completed', { ...replayed, completedAt: 400 }),
    ],
  ],
  [
    'a loss: the owner comes too late',
    [granted(100, 'A', 10), dataLost(250), completed(300, 'A', 10, { reply: 'gone', digest: undefined })],
  ],
  [
    'a call that failed in time, in a process that was killed with another',
    [asked, storeCallFailed(asked), processEvent('killed')],
  ],
  ['a call that was cut off with its process', [called(100), acquireSent(100), processEvent('killed')]],
  ['a last repeat that is answered', [called(100, { isLastRepeat: true }), returned(200, 'outcome_unknown')]],
  ['records with an end', [keyScanned(60_000), keyScanned(0)]],
];

const brokenHistories: readonly (readonly [InvariantName, string, readonly HistoryEvent[]])[] = [
  ['one lease', 'two leases at once', [granted(100, 'A', 10), granted(1_099, 'B', 11)]],
  [
    'one lease',
    'a lease that was renewed, and another',
    [granted(100, 'A', 10), renewed(900, 'A', 10), granted(1_500, 'B', 11)],
  ],
  [
    'one lease',
    'a lease that was written anew after a loss, and another',
    [granted(100, 'A', 10), dataLost(200), renewed(300, 'A', 10, { reply: 'restored' }), granted(400, 'B', 400)],
  ],
  [
    'one lease',
    'an owner that is told too early that it has none',
    [granted(100, 'A', 10), released(500, 'A', 10, 'lost')],
  ],
  [
    'replays',
    'another outcome than was recorded',
    [granted(100, 'A', 10), completed(300, 'A', 10), refused(400, 'completed', { ...replayed, digest: 'other' })],
  ],
  ['replays', 'the outcome is not kept', [completed(300, 'A', 10), refused(400, 'expired', { digest: null })]],
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
    'a repeat after the end is let run',
    [granted(100, 'A', 10), completed(300, 'A', 10), granted(301, 'B', 11)],
  ],
  ['replays', 'a repeat after the end finds no end', [completed(300, 'A', 10), refused(400, 'outcome_unknown')]],
  ['replays', 'a decision is forgotten', [...decided(300, 10, 'done'), refused(400, 'in_progress')]],
  [
    'stale owner',
    'an owner that was overtaken records its outcome',
    [granted(100, 'A', 10), granted(1_200, 'B', 1_200), completed(1_300, 'A', 10)],
  ],
  [
    'stale owner',
    'an owner that was overtaken gives back what is not its own',
    [granted(100, 'A', 10), granted(1_200, 'B', 1_200), released(1_300, 'A', 10)],
  ],
  [
    'stale owner',
    'an owner that was overtaken after a loss writes over the newer record',
    [granted(100, 'A', 10), dataLost(150), granted(200, 'B', 200), completed(300, 'A', 10, { reply: 'restored' })],
  ],
  [
    'stale owner',
    'an outcome of old turns up, of whose completion nobody was told',
    [
      granted(100, 'A', 10),
      granted(1_200, 'B', 1_200),
      refused(1_400, 'completed', { digest: 'by A', completedBy: 10, completedAt: 1_300 }),
    ],
  ],
  [
    'stale owner',
    'an owner goes on after somebody decided about it',
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
    'run again while its owner is at work',
    [granted(100, 'A', 10), began(101, 10), granted(300, 'B', 11), began(301, 11)],
  ],
  ['executions', 'run twice under one lease', [granted(100, 'A', 10), began(101, 10), began(102, 10)]],
  ['executions', 'run without a lease', [began(101, 10)]],
  ['guarded work', 'run again after its lease', [granted(100, 'A', 10, guarded), granted(1_200, 'B', 1_200)]],
  [
    'guarded work',
    'run again although its owner does not know what happened',
    [granted(100, 'A', 10, guarded), releaseSent(200, 'A', 10, 'unknown'), granted(300, 'B', 300)],
  ],
  [
    'guarded work',
    'run again after a decision about another attempt',
    [granted(100, 'A', 10, guarded), ...decided(1_200, 9, 'not_done'), granted(1_300, 'B', 1_300)],
  ],
  ['nothing hangs', 'a call of the store is late', [asked, callOverdue(asked)]],
  ['nothing hangs', 'a call is never over', [called(100), processEvent('ended')]],
  ['nothing hangs', 'a question is never answered', [asked, processEvent('ended')]],
  [
    'nothing hangs',
    'a key without an answer at the end',
    [called(100, { isLastRepeat: true }), returned(200, 'in_progress')],
  ],
  ['no unhandled rejection', 'a rejection', [{ at: 1, by: 'w1', kind: 'unhandled', why: 'Error: nobody cared' }]],
  ['no unhandled rejection', 'a process that ended by itself', [processEvent('died')]],
  ['ttl', 'a record without an end', [keyScanned(60_000), keyScanned(-1)]],
];

describe('the checker', () => {
  test.each(correctHistories)('finds nothing in: %s', (_title, events) => {
    expect(check(events)).toEqual([]);
  });

  test.each(brokenHistories)('finds broken: %s (%s)', (invariant, _title, events) => {
    const found = check(events).find((violation) => violation.invariant === invariant);
    expect(found?.why).toBeTypeOf('string');
    expect(events).toEqual(expect.arrayContaining([...(found?.history ?? [])]));
  });

  test.each(brokenHistories)('reports a minimal history: %s (%s)', (invariant, _title, events) => {
    const noise = [called(50, { call: 'n' }), refused(120, 'in_progress'), returned(5_000, 'refused', { call: 'n' })];
    const found = check([...noise, ...events]).find((violation) => violation.invariant === invariant);
    const shown = found?.history ?? [];
    expect(check(shown).map((violation) => violation.invariant)).toContain(invariant);
    for (const left of shown) {
      const others = shown.filter((event) => event !== left);
      expect(check(others).map((violation) => violation.why)).not.toContain(found?.why);
    }
  });

  test('keeps the keys apart', () => {
    const other = { ...granted(200, 'B', 11), key: 'another' };
    expect(check([granted(100, 'A', 10), other])).toEqual([]);
  });
});
