// The protocol under random histories. The same histories detect every mutation that removes one of its clauses.
import { describe, expect, test } from 'vitest';
import * as protocol from '../../packages/core/src/protocol/index.js';
import { brokenAcquire } from './model/broken-acquire.js';
import { brokenOwner } from './model/broken-owner.js';
import { brokenRelease } from './model/broken-release.js';
import type { Protocol } from './model/message.js';
import { runHistory } from './model/random-history.js';

const modes = ['reliable', 'lossy'] as const;
const histories = 3_000;
const maxHistories = 10_000;
/** For other histories than those of every run: ONCEGUARD_SEED=12345. */
const firstSeed = Number(process.env.ONCEGUARD_SEED ?? 1);

describe('random histories of the protocol', () => {
  test.each(modes)('hold every invariant with a %s store', (mode) => {
    for (let count = 0; count < histories; count += 1) runHistory(protocol, mode, firstSeed + count);
  });

  test.each(Object.entries({ ...brokenAcquire, ...brokenOwner, ...brokenRelease }))(
    'detect the mutation: %s',
    (_, variant) => {
      expect(() => runUntilDetected({ ...protocol, ...variant })).toThrow(/history of seed/);
    },
  );
});

function runUntilDetected(broken: Protocol): void {
  for (let count = 0; count < maxHistories; count += 1) {
    for (const mode of modes) runHistory(broken, mode, firstSeed + count);
  }
}
