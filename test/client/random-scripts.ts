// Scripts of faults, drawn at random from a seed.
import type { ScriptedFault } from './scripted-proxy.js';

/** mulberry32: the same seed, the same numbers. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One to five faults in a row; the same seed, the same faults. */
export function scriptOf(seed: number): ScriptedFault[] {
  const random = randomNumbers(seed);
  const faults = [
    (): ScriptedFault => ({ kind: 'lose_request' }),
    (): ScriptedFault => ({ kind: 'lose_answer' }),
    (): ScriptedFault => ({ kind: 'cut', bytes: 1 + Math.floor(random() * 2_000) }),
    (): ScriptedFault => ({ kind: 'cut', bytes: 1 + Math.floor(random() * 2_000) }),
    (): ScriptedFault => ({ kind: 'silence' }),
  ];
  const length = 1 + Math.floor(random() * 5);
  return Array.from({ length }, () => faults[Math.floor(random() * faults.length)]?.() ?? { kind: 'none' });
}
