// What the report makes of the results: charts, tables, verdicts, and the parts of a document.
import { describe, expect, test } from 'vitest';
import { fillParts } from '../../bench/report/document-parts.js';
import { barChart, lineChart } from '../../bench/report/svg.js';
import { asMarkdown } from '../../bench/report/tables.js';
import { memoryGrowth, type Target, targetsOf, verdictOf } from '../../bench/report/targets.js';
import { findingsIn } from '../../bench/run/short-run.js';
import { sliceWith } from './slice-builder.js';

const spreadOf = (value: number) => ({ median: value, low: value, high: value });

describe('A chart', () => {
  const hostile = '<b> & "c"';
  const bar = { label: hostile, value: { median: 0.5, low: 0.25, high: 0.75 }, tone: 'ours', mark: hostile } as const;
  const bars = barChart(hostile, [{ title: hostile, reference: 1, bars: [bar] }]);
  const line = {
    label: hostile,
    tone: 'plain',
    dashed: true,
    points: [1, 10, 100].map((x) => ({ x, value: spreadOf(x) })),
  } as const;
  const lines = lineChart({ title: hostile, xTitle: hostile, yTitle: hostile, lines: [line] });

  test.each([
    ['of bars', bars],
    ['of lines', lines],
  ])('%s is well-formed, whatever its texts are', (_kind, svg) => {
    expect(svg).not.toContain('<b>');
    expect(svg).toContain('&#60;b&#62; &#38; &#34;c&#34;');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  test('draws a bar as long as its median, and a whisker from quartile to quartile', () => {
    const [length, from, to] = [
      /<rect class="ours".* width="([\d.]+)"/.exec(bars)?.[1],
      /class="whisker" x1="([\d.]+)"/.exec(bars)?.[1],
      /class="whisker".* x2="([\d.]+)"/.exec(bars)?.[1],
    ].map(Number);
    expect(Number(to) - Number(from)).toBeCloseTo(Number(length), 0);
  });

  test('draws the same factor as the same distance', () => {
    const [first = 0, second = 0, third = 0] = [...lines.matchAll(/cx="([\d.]+)"/g)].map(([, x]) => Number(x));
    expect(second - first).toBeCloseTo(third - second, 0);
    expect(second).toBeGreaterThan(first);
  });
});

describe('A verdict', () => {
  const target = { what: '', wants: 'more', must: 0.85, goal: 0.95 } as const;

  test.each<[string, Target['measured'], string]>([
    ['reaches the goal', spreadOf(0.95), 'goal'],
    ['reaches what it must', spreadOf(0.85), 'must'],
    ['misses by the median alone', { median: 0.84, low: 0.8, high: 0.85 }, 'noise'],
    ['misses in most rounds', { median: 0.84, low: 0.8, high: 0.849 }, 'missed'],
    ['was not measured', null, 'unknown'],
  ])('The verdict on %s: %j is %s', (_what, measured, verdict) => {
    expect(verdictOf({ ...target, measured })).toBe(verdict);
  });

  test.each<[Target['measured'], string]>([
    [spreadOf(1.1), 'goal'],
    [spreadOf(1.25), 'must'],
    [{ median: 1.3, low: 1.25, high: 1.4 }, 'noise'],
    [spreadOf(1.26), 'missed'],
  ])('Where less is better, %j is %s', (measured, verdict) => {
    expect(verdictOf({ what: '', wants: 'less', must: 1.25, goal: 1.1, measured })).toBe(verdict);
  });
});

test.each([
  { redisCommands: 1.0006, verdict: 'goal' },
  { redisCommands: 1.04, verdict: 'missed' },
])('Of $redisCommands commands for a replay, commands of other clients do not count', ({ redisCommands, verdict }) => {
  const slices = [sliceWith({ row: 'onceguard-redis', load: 'replay', redisCommands })];
  const main = {
    measuredAt: '',
    machine: '',
    versions: {},
    rounds: 1,
    sliceMs: 1,
    rows: [],
    bytesPerRecord: {},
    slices,
  };
  const target = targetsOf(main, null, null).find(({ what }) => what === 'Redis commands, replay');
  expect(target && verdictOf(target)).toBe(verdict);
});

test('Memory growth is the growth per request between any two points of the run', () => {
  const memory = [50, 30, 31, 33].map((liveBytes, at) => ({ row: 'a', requests: (at + 1) * 10, liveBytes }));
  // -2, -19/20, -17/30, 0.1, 0.15 and 0.2
  const { low, median, high } = memoryGrowth({ memory }, 'a') ?? spreadOf(Number.NaN);
  expect(median).toBeCloseTo((-17 / 30 + 0.1) / 2, 10);
  expect(low).toBeLessThan(-0.8);
  expect(high).toBeCloseTo(0.1375, 10);
  expect(memoryGrowth({ memory }, 'b')).toBeNull();
  expect(memoryGrowth(null, 'a')).toBeNull();
});

describe('The short run', () => {
  test.each([
    [{ row: 'onceguard-redis', load: 'fresh', redisCommands: 2 }, []],
    [{ row: 'onceguard-redis', load: 'replay', redisCommands: 2 }, ['at most 1']],
    [{ row: 'onceguard-local-cache', load: 'replay', redisCommands: 1 }, ['at most 0']],
    [{ row: 'limit', load: 'fresh', redisCommands: 9 }, []],
    [{ row: 'onceguard-memory', load: 'fresh', wrong: 'answered 500 1 times' }, ['answered 500 1 times']],
  ])('finds in %j: %j', (what, findings) => {
    expect(findingsIn(sliceWith(what))).toEqual(findings.map((text) => expect.stringContaining(text)));
  });
});

describe('A document', () => {
  const page = 'a\n<!-- bench:one -->\nold\n<!-- /bench:one -->\nb';

  test('is filled between the markers only, and filling it again changes nothing', () => {
    const once = fillParts(page, { one: 'new' });
    expect(once).toBe('a\n<!-- bench:one -->\n\nnew\n\n<!-- /bench:one -->\nb');
    expect(fillParts(once, { one: 'new' })).toBe(once);
  });

  test.each(['two', 'on'])('without a part %s is rejected', (name) => {
    expect(() => fillParts(page, { [name]: '' })).toThrow(`<!-- bench:${name} -->`);
  });

  test('A cell that contains a bar stays one cell', () => {
    expect(asMarkdown({ title: '', head: ['a', 'b'], rows: [['x|y', '1']] })).toBe(
      '| a | b |\n|---|--:|\n| x\\|y | 1 |',
    );
  });
});
