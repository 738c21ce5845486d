// Fills docs/benchmarks.md and docs/benchmark-tables.md and draws their charts, from the results that exist.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { growthCharts } from '../growth/growth-charts.js';
import { rows } from '../rows.js';
import { billionSentences } from './billion-keys.js';
import { type Chart, growthLines, mainCharts } from './charts.js';
import { fillParts } from './document-parts.js';
import { type Circumstances, type GrowthResults, type MainResults, type MicroResults, readResults } from './results.js';
import { asMarkdown, bodyTable, mainTables, summaryTable, type Table } from './tables.js';
import { targetsOf, targetTable } from './targets.js';

const page = new URL('../../docs/benchmarks.md', import.meta.url);
const tablesPage = new URL('../../docs/benchmark-tables.md', import.meta.url);
const unmeasured = 'Not measured yet.';
const folder = new URL('../../docs/charts/', import.meta.url);

export function report(): void {
  const [main, growth, micro] = [readResults('main'), readResults('growth'), readResults('micro')];
  const charts = [...(main === null ? [] : mainCharts(main)), ...(growth === null ? [] : growthLines(growth))];
  mkdirSync(folder, { recursive: true });
  for (const { file, svg } of charts) writeFileSync(new URL(`${file}.svg`, folder), svg);
  const parts = { ...mainParts(main, growth), growth: growthPart(growth), bodies: bodiesPart(micro) };
  writeFileSync(page, fillParts(readFileSync(page, 'utf8'), parts));
  writeFileSync(
    tablesPage,
    fillParts(readFileSync(tablesPage, 'utf8'), { loads: loadsPart(main, charts), micro: microPart(micro) }),
  );
}

function mainParts(main: MainResults | null, growth: GrowthResults | null) {
  if (main === null) return { summary: unmeasured, rows: unmeasured, targets: unmeasured, run: '' };
  return {
    summary: asMarkdown(summaryTable(main)),
    rows: asMarkdown(rowTable(main)),
    targets: asMarkdown(targetTable(targetsOf(main, growth))),
    run: measuredNote(main, `${main.rounds} rounds of ${main.sliceMs} ms for each load and row.`),
  };
}

function loadsPart(main: MainResults | null, charts: readonly Chart[]): string {
  if (main === null) return unmeasured;
  const loads = mainTables(main).map((table) => `## ${capitalized(table.title)}\n\n${asMarkdown(table)}`);
  const drawn = charts.filter(({ file }) => file.startsWith('load-')).map(({ file }) => `![](charts/${file}.svg)`);
  return loads.map((text, at) => `${text}\n\n${drawn[at] ?? ''}`).join('\n\n');
}

function rowTable(main: MainResults): Table {
  const lines = rows.map(({ name, title, note }) => {
    const result = main.rows.find(({ row }) => row === name);
    const peak = result === undefined ? '' : `${Math.round(result.peakRssBytes / 2 ** 20)} MiB`;
    const bytes = main.bytesPerRecord[name];
    const right = result?.failure ?? 'yes';
    return [title, note, name === 'bare' ? '' : right, bytes === undefined ? '' : String(bytes), peak];
  });
  return {
    title: 'rows',
    head: ['row', 'description', 'correct', 'Redis bytes per record', 'peak memory'],
    rows: lines,
  };
}

function growthPart(growth: GrowthResults | null): string {
  if (growth === null) return unmeasured;
  const sentences = billionSentences(growth);
  const items = growthCharts.map(({ name, title }) => {
    return `* **${title}** ([chart](charts/growth-${name}.svg)). ${sentences[name] ?? ''}`.trimEnd();
  });
  return `${items.join('\n')}\n\n${measuredNote(growth, '')}`;
}

function bodiesPart(micro: MicroResults | null): string {
  return micro?.bodies === undefined ? unmeasured : asMarkdown(bodyTable(micro.bodies));
}

function microPart(micro: MicroResults | null): string {
  if (micro === null) return unmeasured;
  const lines = micro.tasks.map(({ name, micros, p99Micros, redisMicros }) => {
    return [name, String(micros), String(p99Micros), redisMicros === null ? '' : String(redisMicros)];
  });
  const table = { title: 'micro', head: ['part', 'median µs', 'p99 µs', 'of it Redis µs'], rows: lines };
  return asMarkdown(table);
}

function measuredNote({ measuredAt, machine, versions }: Circumstances, how: string): string {
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Measured ${measuredAt} on ${machine}; ${parts.join(', ')}. ${how}`.trimEnd();
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
