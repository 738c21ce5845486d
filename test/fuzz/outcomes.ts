// Outcomes that a store returns damaged: a repeat gets the right value or a typed error, and nothing runs again.
import { isDeepStrictEqual } from 'node:util';
import { executeIdempotently, IdempotencyError, MemoryStore } from '@onceguard/core';
import { FaultStore } from '@onceguard/testing';
import type { Random } from '../model/seeded-random.js';
import { escapeBytes, type FuzzTarget } from './target.js';

const value = { charge: 'ch_1', amount: 12, at: new Date(0), receipt: Buffer.from('paid') };

/** The input replaces the outcome. */
export async function damagedOutcomes(): Promise<FuzzTarget> {
  const store = new FaultStore(new MemoryStore(), 30_000);
  const call = { store, scope: 'fuzz', key: 'k' };
  let kept = Buffer.alloc(0);
  await executeIdempotently(() => value, call);
  store.injectFault('acquire', async (pass) => {
    const reply = (await pass()) as never as { outcome: Uint8Array };
    kept = Buffer.from(reply.outcome);
    return reply as never;
  });
  await executeIdempotently(() => value, call);
  store.clearFaults();

  return {
    name: 'outcomes',
    draw: (random: Random) => mutateOutcome(kept, random),
    async check(input: Buffer): Promise<string | null> {
      let runs = 0;
      store.clearFaults();
      store.injectFault('acquire', async (pass) => ({ ...((await pass()) as object), outcome: input }) as never);
      try {
        const end = await executeIdempotently(() => {
          runs += 1;
        }, call);
        if (runs > 0) return 'it ran again';
        const isRight = end.kind === 'replayed' && isDeepStrictEqual(end.value, value);
        return isRight ? null : `a repeat got ${end.kind} from ${escapeBytes(input)}`;
      } catch (error) {
        if (runs > 0) return 'it ran again';
        return error instanceof IdempotencyError ? null : `an error without a code: ${String(error)}`;
      }
    },
    close: async () => await store.close(),
  };
}

function mutateOutcome(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  for (let count = random.integer(0, 3); count > 0; count--) {
    const at = random.integer(0, Math.max(0, bytes.length - 1));
    changed[at] = random.chance(0.5) ? random.integer(0, 255) : (changed[at] ?? 0) ^ (1 << random.integer(0, 7));
  }
  return random.chance(0.7) ? changed : changed.subarray(random.integer(0, 9), random.integer(0, changed.length));
}
