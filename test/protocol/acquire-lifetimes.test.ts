// Acquire: fencing tokens that grow, and lives that are not shortened.
import { describe, expect, test } from 'vitest';
import { acquire } from '../../packages/core/src/protocol/index.js';
import { leaseEndAt, recover } from './acquire-table.js';
import { abandoned, at, records, request } from './builders.js';

describe('acquire', () => {
  test('sets the fencing token above the clock, the previous token and the highest token seen', () => {
    const fenceOf = (before: number, lastSeenFencingToken: number) => {
      const { reply } = acquire({ ...abandoned, fencingToken: before }, request({ lastSeenFencingToken }), at);
      return reply.kind === 'acquired' ? reply.fencingToken : null;
    };
    expect(fenceOf(5, 0)).toBe(at);
    expect(fenceOf(at, 0)).toBe(at + 1);
    expect(fenceOf(at + 5, at + 9)).toBe(at + 10);
  });

  const lives = [
    { onAbandoned: 'rerun', unknownTtlMs: 5_000, livesMs: 1_000 },
    { onAbandoned: 'block', unknownTtlMs: 5_000, livesMs: 5_000 },
    { onAbandoned: 'recover', unknownTtlMs: 10, livesMs: 1_000 },
  ] as const;
  test.each(lives)('keeps a record $livesMs ms beyond its lease for $onAbandoned', ({ livesMs, ...asked }) => {
    const { record } = acquire(null, request(asked), at);
    expect(record?.expiresAt).toBe(leaseEndAt + livesMs);
  });

  test.each(Object.entries(records))('never shortens the life of a record: %s', (name, record) => {
    if (name === 'removed') return;
    for (const ownerToken of ['mine', 'other']) {
      const brief = request({ ...recover, ownerToken, leaseMs: 1, recordTtlMs: 1, unknownTtlMs: 1 });
      expect(acquire(record, brief, at).record?.expiresAt).toBe(record.expiresAt);
    }
  });
});
