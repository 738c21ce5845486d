// Which charts there are, and what each draws.

import { growthCharts } from '../growth/growth-charts.js';
import { throughputLoads } from '../loads.js';
import { rowNamed, rows } from '../rows.js';
import { figureOf, firstFailure, type Metric, ratioOf } from './figures.js';
import type { GrowthResults, MainResults } from './results.js';
import { type BarPanel, barChart, lineChart, type Tone } from './svg.js';

export interface Chart {
  /** Without its extension. */
  readonly file: string;
  readonly svg: string;
}

/** One for each load of a full server: throughput and costs, divided by those of the bare app in the same round. */
export function mainCharts(main: MainResults): Chart[] {
  return throughputLoads.map((load) => {
    const panel = (title: string, metric: Metric): BarPanel => ({
      title,
      reference: 1,
      bars: barsOf(main, load.name, metric),
    });
    const panels = [
      panel('requests/s ÷ bare: more is better', 'perSecond'),
      panel('server CPU per request ÷ bare: less is better', 'cpuMicros'),
    ];
    return { file: `load-${load.name}`, svg: barChart(`${load.title}: medians and quartiles`, panels) };
  });
}

function barsOf(main: MainResults, load: string, metric: Metric): BarPanel['bars'] {
  return rows.flatMap((row) => {
    const cell = { row: row.name, load };
    const value = row.kind === 'bare' ? null : ratioOf(main.slices, cell, 'bare', metric);
    if (value === null) return [];
    const failure = main.rows.find((one) => one.row === row.name)?.failure ?? firstFailure(main.slices, cell);
    const mark = failure === null ? {} : { mark: 'not correct' };
    return [{ label: row.title, value, tone: toneOf(row.name), ...mark }];
  });
}

export function growthLines(growth: GrowthResults): Chart[] {
  return growthCharts.flatMap(({ name, title, xTitle, yTitle, metric, lines }) => {
    const drawn = lines.flatMap(({ load, row, label, dashed }) => {
      const at = growth.slices
        .filter((slice) => slice.load === load && slice.row === row)
        .map((slice) => slice.at ?? 0);
      const points = [...new Set(at)].flatMap((x) => {
        const value = figureOf(growth.slices, { row, load, at: x }, metric);
        return value === null ? [] : [{ x, value }];
      });
      return points.length === 0 ? [] : [{ label, tone: toneOf(row), dashed: dashed === true, points }];
    });
    return drawn.length === 0
      ? []
      : [{ file: `growth-${name}`, svg: lineChart({ title, xTitle, yTitle, lines: drawn }) }];
  });
}

function toneOf(row: string): Tone {
  switch (rowNamed(row).kind) {
    case 'ours':
      return 'ours';
    case 'limit':
    case 'hand':
      return 'plain';
    case 'bare':
    case 'peer':
      return 'faint';
  }
}
