// Fills docs/benchmarks.md and draws its charts, from the results that exist.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { growthCharts } from '../growth/growth-charts.js';
import { rows } from '../rows.js';
import { billionSentences } from './billion-keys.js';
import { type Chart, growthLines, mainCharts } from './charts.js';
import { fillParts } from './document-parts.js';
import { type Circumstances, type GrowthResults, type MainResults, type MicroResults, readResults } from './results.js';
import { asMarkdown, bodyTable, mainTables, type Table } from './tables.js';
import { targetsOf, targetTable } from './targets.js';

const page = new URL('../../docs/benchmarks.md', import.meta.url);
const unmeasured = 'Not measured yet.';
const folder = new URL('../../docs/charts/', import.meta.url);

export function report(): void {
  const [main, growth, micro] = [readResults('main'), readResults('growth'), readResults('micro')];
  const charts = [...(main === null ? [] : mainCharts(main)), ...(growth === null ? [] : growthLines(growth))];
  mkdirSync(folder, { recursive: true });
  for (const { file, svg } of charts) writeFileSync(new URL(`${file}.svg`, folder), svg);
  const parts = { ...mainParts(main, growth, charts), ...growthParts(growth), ...microParts(micro) };
  writeFileSync(page, fillParts(readFileSync(page, 'utf8'), parts));
}

function mainParts(main: MainResults | null, growth: GrowthResults | null, charts: readonly Chart[]) {
  if (main === null) return { rows: unmeasured, targets: unmeasured, loads: unmeasured, run: '' };
  const loads = mainTables(main).map((table) => `### ${capitalized(table.title)}\n\n${asMarkdown(table)}`);
  const drawn = charts.filter(({ file }) => file.startsWith('load-')).map(({ file }) => `![](charts/${file}.svg)`);
  return {
    rows: asMarkdown(rowTable(main)),
    targets: asMarkdown(targetTable(targetsOf(main, growth))),
    loads: loads.map((text, at) => `${text}\n\n${drawn[at] ?? ''}`).join('\n\n'),
    run: measuredNote(main, `${main.rounds} rounds of ${main.sliceMs} ms for each load and row.`),
  };
}

function rowTable(main: MainResults): Table {
  const lines = rows.map(({ name, title, note }) => {
    const result = main.rows.find(({ row }) => row === name);
    const peak = result === undefined ? '' : `${Math.round(result.peakRssBytes / 2 ** 20)} MiB`;
    const bytes = main.bytesPerRecord[name];
    const right = result?.failure ?? 'yes';
    return [title, note, name === 'bare' ? '' : right, bytes === undefined ? '' : String(bytes), peak];
  });
  return { title: 'rows', head: ['row', 'is', 'probe passed', 'Redis bytes per record', 'peak memory'], rows: lines };
}

function growthParts(growth: GrowthResults | null) {
  if (growth === null) return { growth: unmeasured, 'growth-run': '' };
  const sentences = billionSentences(growth);
  const sections = growthCharts.map(({ name, title }) => {
    return `### ${title}\n\n![](charts/growth-${name}.svg)\n\n${sentences[name] ?? ''}`.trimEnd();
  });
  return { growth: sections.join('\n\n'), 'growth-run': measuredNote(growth, '') };
}

function microParts(micro: MicroResults | null) {
  if (micro === null) return { micro: unmeasured, bodies: unmeasured };
  const lines = micro.tasks.map(({ name, micros, p99Micros, redisMicros }) => {
    return [name, String(micros), String(p99Micros), redisMicros === null ? '' : String(redisMicros)];
  });
  const table = { title: 'micro', head: ['part', 'median µs', 'p99 µs', 'of it Redis µs'], rows: lines };
  return {
    micro: asMarkdown(table),
    bodies: micro.bodies === undefined ? unmeasured : asMarkdown(bodyTable(micro.bodies)),
  };
}

function measuredNote({ measuredAt, machine, versions }: Circumstances, how: string): string {
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Measured ${measuredAt} on ${machine}; ${parts.join(', ')}. ${how}`.trimEnd();
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
