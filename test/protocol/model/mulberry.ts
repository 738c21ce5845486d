// Random numbers from a seed. The same seed gives the same history on every machine.

export interface ModelRandom {
  /** A whole number from 0 to `count` - 1. */
  below(count: number): number;
  chance(percent: number): boolean;
  pick<T>(list: readonly T[]): T | undefined;
}

/** The generator "mulberry32". */
export function randomFrom(seed: number): ModelRandom {
  let state = seed >>> 0;
  const below = (count: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  };
  return {
    below,
    chance: (percent) => below(100) < percent,
    pick: (list) => list[below(list.length || 1)],
  };
}
