// Figures from slices: values of a row, and ratios of two rows in the same round.
import type { Slice } from '../run/slice.js';
import { type Spread, spread } from './statistics.js';

export type Metric = 'perSecond' | 'cpuMicros' | 'p50Ms' | 'p99Ms' | 'redisCommands' | 'redisMicros';

/** One row under one load, and, in a growth chart, at one point of it. */
export interface Cell {
  readonly row: string;
  readonly load: string;
  readonly at?: number;
}

/** Over all rounds; null, if it was never measured. */
export function figureOf(slices: readonly Slice[], cell: Cell, metric: Metric): Spread | null {
  return spread(slicesOf(slices, cell).map((slice) => slice[metric]));
}

/** Divided by the value of the other row in the same round, under the same load. */
export function ratioOf(slices: readonly Slice[], cell: Cell, to: string, metric: Metric): Spread | null {
  const others = new Map(slicesOf(slices, { ...cell, row: to }).map((slice) => [slice.round, slice[metric]]));
  const ratios = slicesOf(slices, cell).flatMap((slice) => {
    const other = others.get(slice.round);
    return other === undefined || other === 0 ? [] : [slice[metric] / other];
  });
  return spread(ratios);
}

/** The first failure, or null. */
export function firstFailure(slices: readonly Slice[], cell: Cell): string | null {
  return slicesOf(slices, cell).find(({ wrong }) => wrong !== null)?.wrong ?? null;
}

function slicesOf(slices: readonly Slice[], { row, load, at }: Cell): Slice[] {
  return slices.filter((slice) => slice.row === row && slice.load === load && slice.at === at);
}
