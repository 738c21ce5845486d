// Medians, quartiles, and ratios within a round.

export interface Spread {
  readonly median: number;
  /** The first quartile. */
  readonly low: number;
  /** The third quartile. */
  readonly high: number;
}

/** Of numbers in ascending order; interpolates linearly. NaN for no numbers. */
export function quantile(ascending: ArrayLike<number>, share: number): number {
  const at = (ascending.length - 1) * share;
  const below = ascending[Math.floor(at)] ?? Number.NaN;
  const above = ascending[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Null for no numbers. */
export function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const ascending = [...values].sort((a, b) => a - b);
  return { median: quantile(ascending, 0.5), low: quantile(ascending, 0.25), high: quantile(ascending, 0.75) };
}
