// Figures from slices: values of a row, and ratios of two rows in the same round.
import type { Slice } from '../run/slice.js';
import { type Spread, spread } from './statistics.js';

export type Metric = 'perSecond' | 'duePerSecond' | 'cpuMicros' | 'p50Ms' | 'p99Ms' | 'redisCommands' | 'redisMicros';

/** One row under one load, and, in a growth chart, at one point of it. */
export interface Cell {
  readonly row: string;
  readonly load: string;
  readonly at?: number;
}

/** Over all rounds; null, if it was never measured. */
export function figureOf(slices: readonly Slice[], cell: Cell, metric: Metric): Spread | null {
  return spread(slicesOf(slices, cell).flatMap((slice) => slice[metric] ?? []));
}

/** Divided by the value of the other row in the same round, under the same load. */
export function ratioOf(slices: readonly Slice[], cell: Cell, to: string, metric: Metric): Spread | null {
  const others = byRound(slices, { ...cell, row: to }, metric);
  const ratios = [...byRound(slices, cell, metric)].flatMap(([round, value]) => {
    const other = others.get(round);
    return other === undefined || other === 0 ? [] : [value / other];
  });
  return spread(ratios);
}

/** For each round, the value of the row less that of the other row in the same round, under the same load. */
export function differenceOf(slices: readonly Slice[], cell: Cell, from: string, metric: Metric): Map<number, number> {
  const others = byRound(slices, { ...cell, row: from }, metric);
  const differences = new Map<number, number>();
  for (const [round, value] of byRound(slices, cell, metric)) {
    const other = others.get(round);
    if (other !== undefined) differences.set(round, value - other);
  }
  return differences;
}

/**
 * What the row adds to `base`, divided by what the other row adds. A difference of two small times can be close to zero in one round,
 * so all rounds are divided by the other row's median.
 */
export function addedRatioOf(
  slices: readonly Slice[],
  cell: Cell,
  { base, to, metric }: { readonly base: string; readonly to: string; readonly metric: Metric },
): Spread | null {
  const added = [...differenceOf(slices, cell, base, metric).values()];
  const other = spread([...differenceOf(slices, { ...cell, row: to }, base, metric).values()]);
  return other === null || other.median <= 0 ? null : spread(added.map((value) => value / other.median));
}

/** The share of the requests of an open loop that were served as fast as they were due. */
export function servedShareOf(slices: readonly Slice[], cell: Cell): Spread | null {
  return spread(
    slicesOf(slices, cell).flatMap(({ perSecond, duePerSecond }) =>
      duePerSecond === undefined ? [] : [perSecond / duePerSecond],
    ),
  );
}

/** The first failure, or null. */
export function firstFailure(slices: readonly Slice[], cell: Cell): string | null {
  return slicesOf(slices, cell).find(({ wrong }) => wrong !== null)?.wrong ?? null;
}

function byRound(slices: readonly Slice[], cell: Cell, metric: Metric): Map<number, number> {
  return new Map(
    slicesOf(slices, cell).flatMap((slice): [number, number][] => {
      const value = slice[metric];
      return value === undefined ? [] : [[slice.round, value]];
    }),
  );
}

function slicesOf(slices: readonly Slice[], { row, load, at }: Cell): Slice[] {
  return slices.filter((slice) => slice.row === row && slice.load === load && slice.at === at);
}
