// Charts as SVG for light and dark pages: bars with their quartiles, and lines.
import type { Spread } from './statistics.js';

/** `ours` stands out, `plain` is for the compared rows, `faint` for the others. */
export type Tone = 'ours' | 'plain' | 'faint';

export interface Bar {
  readonly label: string;
  readonly value: Spread;
  readonly tone: Tone;
  /** A note beside the bar, for instance that the row is incorrect. */
  readonly mark?: string;
}

export interface BarPanel {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** The value at which a reference line is drawn. */
  readonly reference: number;
}

export interface Line {
  readonly label: string;
  readonly tone: Tone;
  readonly dashed: boolean;
  readonly points: readonly { readonly x: number; readonly value: Spread }[];
}

export interface LineChart {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly lines: readonly Line[];
}

const style = `
  .page { fill: #ffffff }
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 14px }
  .quiet { fill: #57606a }
  .wrong { fill: #b42318 }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .reference { stroke: #57606a; stroke-dasharray: 3 3 }
  .whisker { stroke: #24292f; stroke-width: 1.5 }
  .ours { fill: #0b6bcb; color: #0b6bcb }
  .plain { fill: #6e7781; color: #57606a }
  .faint { fill: #afb8c1; color: #8c959f }
  circle[class], text.faint { fill: currentColor }
  polyline.line { fill: none; stroke: currentColor; stroke-width: 2 }
  .dashed { stroke-dasharray: 6 4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 }
    text { fill: #e6edf3 }
    .quiet { fill: #9198a1 }
    .wrong { fill: #ff7b72 }
    .grid { stroke: #30363d }
    .reference { stroke: #9198a1 }
    .whisker { stroke: #e6edf3 }
    .ours { fill: #4493f8; color: #4493f8 }
    .plain { fill: #9198a1; color: #b1bac4 }
    .faint { fill: #545d68; color: #6e7781 }
  }`;

const width = 820;
const labelWidth = 260;
const rightMargin = 150;
const barHeight = 22;

/** Panels below each other, each with its own scale from 0. */
export function barChart(title: string, panels: readonly BarPanel[]): string {
  const parts = [svgText(16, 26, title, 'title')];
  let top = 40;
  for (const panel of panels) {
    parts.push(...panelAt(top, panel));
    top += panel.bars.length * barHeight + 52;
  }
  return svgDocument(title, top, parts);
}

function panelAt(top: number, { title, bars, reference }: BarPanel): string[] {
  const most = Math.max(reference, ...bars.map(({ value }) => value.high)) * 1.02;
  const x = (value: number) => labelWidth + (value / most) * (width - labelWidth - rightMargin);
  const firstAt = top + 24;
  const bottom = firstAt + bars.length * barHeight;
  return [
    svgText(16, top + 14, title, 'quiet'),
    ...bars.flatMap((bar, at) => barAt(firstAt + at * barHeight, bar, x)),
    svgLine('reference', x(reference), firstAt - 4, x(reference), bottom),
  ];
}

function barAt(top: number, { label, value, tone, mark }: Bar, x: (value: number) => number): string[] {
  const middle = top + barHeight / 2;
  const { median, low, high } = value;
  const labelAt = Math.max(x(high), x(median)) + 8;
  return [
    svgText(labelWidth - 8, middle + 4, label, '', 'end'),
    `<rect class="${tone}" x="${x(0)}" y="${top + 3}" width="${round(x(median) - x(0))}" height="${barHeight - 6}" rx="2"/>`,
    svgLine('whisker', x(low), middle, x(high), middle),
    svgText(labelAt, middle + 4, median.toFixed(2)),
    ...(mark === undefined ? [] : [svgText(labelAt + 34, middle + 4, `✗ ${mark}`, 'wrong')]),
  ];
}

const plot = { left: 70, right: width - 210, top: 50, bottom: 300 };

/** Over a logarithmic x axis; the y axis begins at 0. */
export function lineChart({ title, xTitle, yTitle, lines }: LineChart): string {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const [first = 1, last = 1] = [xs[0], xs.at(-1)];
  const most = Math.max(...points.map(({ value }) => value.high)) * 1.05;
  const x = (value: number) => {
    const share = first === last ? 0.5 : Math.log(value / first) / Math.log(last / first);
    return plot.left + share * (plot.right - plot.left);
  };
  const y = (value: number) => plot.bottom - (value / most) * (plot.bottom - plot.top);
  return svgDocument(title, plot.bottom + 50, [
    svgText(16, 26, title, 'title'),
    ...ticks(most).flatMap((tick) => [
      svgLine('grid', plot.left, y(tick), plot.right, y(tick)),
      svgText(plot.left - 8, y(tick) + 4, shortNumber(tick), 'quiet', 'end'),
    ]),
    ...xs.map((value) => svgText(x(value), plot.bottom + 18, shortNumber(value), 'quiet', 'middle')),
    svgText((plot.left + plot.right) / 2, plot.bottom + 38, xTitle, 'quiet', 'middle'),
    svgText(16, 44, yTitle, 'quiet'),
    ...lines.flatMap((line) => lineThrough(line, x, y)),
    ...legend(lines, y),
  ]);
}

type Scale = (value: number) => number;

function lineThrough({ tone, dashed, points }: Line, x: Scale, y: Scale): string[] {
  const path = points.map((point) => `${round(x(point.x))},${round(y(point.value.median))}`).join(' ');
  return [
    `<polyline class="${tone} line${dashed ? ' dashed' : ''}" points="${path}"/>`,
    ...points.flatMap((point) => [
      svgLine('whisker', x(point.x), y(point.value.low), x(point.x), y(point.value.high)),
      `<circle class="${tone}" cx="${round(x(point.x))}" cy="${round(y(point.value.median))}" r="3.5"/>`,
    ]),
  ];
}

/** Each label is at the end of its line, moved down where it would overlap another. */
function legend(lines: readonly Line[], y: Scale): string[] {
  let free = plot.top;
  return lines
    .map((line) => ({ line, at: y(line.points.at(-1)?.value.median ?? 0) }))
    .sort((a, b) => a.at - b.at)
    .map(({ line, at }) => {
      const top = Math.max(at + 4, free);
      free = top + 15;
      return svgText(plot.right + 12, top, line.label, line.tone);
    });
}

/** About five round numbers from 0 to `most`. */
function ticks(most: number): number[] {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, at) => at * step);
}

function shortNumber(value: number): string {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))} M`;
  if (value >= 1_000) return `${Number((value / 1_000).toPrecision(3))} k`;
  return String(Number(value.toPrecision(3)));
}

function svgDocument(title: string, height: number, parts: readonly string[]): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(title)}">`;
  const page = `<rect class="page" width="${width}" height="${height}"/>`;
  return `${[head, `<style>${style}\n</style>`, page, ...parts, '</svg>'].join('\n')}\n`;
}

function svgText(x: number, y: number, content: string, name = '', anchor = 'start'): string {
  return `<text class="${name}" x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

function svgLine(name: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${name}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;
}

function escapeXml(content: string): string {
  return content.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
