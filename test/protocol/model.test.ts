// The protocol under random histories; and the same histories find every clause of it that is taken away.
import { describe, expect, test } from 'vitest';
import * as protocol from '../../packages/core/src/protocol/index.js';
import { brokenAcquire } from './model/broken-acquire.js';
import { brokenOwner } from './model/broken-owner.js';
import type { Protocol } from './model/message.js';
import { runHistory } from './model/random-history.js';

const modes = ['steady', 'rough'] as const;
const histories = 3_000;
const mostHistories = 10_000;
/** To look elsewhere than every run does: ONCEGUARD_SEED=12345. */
const firstSeed = Number(process.env.ONCEGUARD_SEED ?? 1);

describe('random histories of the protocol', () => {
  test.each(modes)('keep every promise, where the world is %s', (mode) => {
    for (let count = 0; count < histories; count += 1) runHistory(protocol, mode, firstSeed + count);
  });

  test.each(Object.entries({ ...brokenAcquire, ...brokenOwner }))('find it: %s', (_, variant) => {
    expect(() => runUntilFound({ ...protocol, ...variant })).toThrow(/history of seed/);
  });
});

function runUntilFound(broken: Protocol): void {
  for (let count = 0; count < mostHistories; count += 1) {
    for (const mode of modes) runHistory(broken, mode, firstSeed + count);
  }
}
