// Fills docs/benchmarks.md and docs/benchmark-tables.md and draws their charts, from the results that exist.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { growthCharts } from '../growth/growth-charts.js';
import { loadNamed } from '../loads.js';
import { rows } from '../rows.js';
import { billionSentences } from './billion-keys.js';
import { type Chart, growthLines, mainCharts } from './charts.js';
import { fillParts } from './document-parts.js';
import { frameworkTable } from './framework-table.js';
import { openTables, singleTable } from './latency-tables.js';
import { nodeTable } from './node-table.js';
import {
  type Circumstances,
  type FrameworkResults,
  type GrowthResults,
  type MainResults,
  type MicroResults,
  otherMainResults,
  readResults,
  type SqlResults,
} from './results.js';
import { bloatPart, sqlTables } from './sql-tables.js';
import { spread } from './statistics.js';
import { asMarkdown, bodyTable, mainTables, summaryTable, type Table, value } from './tables.js';
import { targetsOf, targetTable } from './targets.js';

const page = new URL('../../docs/benchmarks.md', import.meta.url);
const tablesPage = new URL('../../docs/benchmark-tables.md', import.meta.url);
const unmeasured = 'Not measured yet.';
const folder = new URL('../../docs/charts/', import.meta.url);

export function report(): void {
  const [main, growth, micro] = [readResults('main'), readResults('growth'), readResults('micro')];
  const frameworks = readResults('frameworks');
  const charts = [...(main === null ? [] : mainCharts(main)), ...(growth === null ? [] : growthLines(growth))];
  mkdirSync(folder, { recursive: true });
  for (const { file, svg } of charts) writeFileSync(new URL(`${file}.svg`, folder), svg);
  fill(page, mainParts(main, growth));
  fill(tablesPage, {
    loads: loadsPart(main, charts),
    latencies: main === null ? unmeasured : tablesPart([singleTable(main), ...openTables(main)]),
    rows: main === null ? unmeasured : `${asMarkdown(rowTable(main))}\n\n${measuredNote(main, '')}`,
    growth: growthPart(growth),
    frameworks: frameworksPart(frameworks),
    bodies: bodiesPart(micro),
    micro: microPart(micro),
    sql: sqlPart(readResults('sql')),
  });
}

function fill(document: URL, parts: Readonly<Record<string, string>>): void {
  writeFileSync(document, fillParts(readFileSync(document, 'utf8'), parts));
}

function mainParts(main: MainResults | null, growth: GrowthResults | null) {
  if (main === null) return { summary: unmeasured, latencies: unmeasured, targets: unmeasured, nodes: '', run: '' };
  const half = openTables(main).filter(({ title }) => title === loadNamed('open-50').title);
  return {
    summary: asMarkdown(summaryTable(main)),
    latencies: tablesPart([singleTable(main), ...half]),
    targets: asMarkdown(targetTable(targetsOf(main, growth, readResults('telemetry')))),
    nodes: asMarkdown(nodeTable([main, ...otherMainResults()])),
    run: `Measured ${main.measuredAt} on ${main.machine}, with Node ${main.versions.node} and Redis ${main.versions.redis}; ${main.rounds} rounds of ${main.sliceMs} ms.`,
  };
}

function tablesPart(tables: readonly (Table | null)[]): string {
  const measured = tables.flatMap((table) => table ?? []);
  if (measured.length === 0) return unmeasured;
  return measured.map((table) => `**${capitalized(table.title)}**\n\n${asMarkdown(table)}`).join('\n\n');
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
    const right = result === undefined ? '' : (result.failure ?? 'yes');
    const garbage = value(spread((result?.garbageBytes ?? []).map((each) => each / 1_000)), 1);
    return [title, note, name === 'bare' ? '' : right, bytes === undefined ? '' : String(bytes), garbage, peak];
  });
  return {
    title: 'rows',
    head: ['row', 'description', 'correct', 'Redis bytes per record', 'garbage kB', 'peak memory'],
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

function frameworksPart(frameworks: FrameworkResults | null): string {
  if (frameworks === null) return unmeasured;
  const note = measuredNote(frameworks, `${frameworks.rounds} rounds.`);
  return `${asMarkdown(frameworkTable(frameworks.slices))}\n\n${note}`;
}

function sqlPart(results: SqlResults | null): string {
  if (results === null) return unmeasured;
  const tables = sqlTables(results).map((table) => `**${capitalized(table.title)}**\n\n${asMarkdown(table)}`);
  const shared = `The load average before it was ${results.loadBefore}: other work shared the machine.`;
  const note = measuredNote(results, `${results.rounds} rounds.${results.loadBefore < 0.5 ? '' : ` ${shared}`}`);
  return [...tables, note, bloatPart(results)].filter((text) => text !== '').join('\n\n');
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
