// The rules and the dashboard of docs/operations: promtool takes them, and they ask for what the packages really export.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registerIdempotencyMetrics } from '@onceguard/prometheus';
import { Registry } from 'prom-client';
import { afterAll, describe, expect, it, test } from 'vitest';
import { readRepositoryFile, root } from '../packages/source-trees.js';
import { promtool } from './promtool.js';

const rulesFile = 'docs/operations/onceguard.rules.yml';
const rules = readRepositoryFile(rulesFile);
const dashboard: {
  panels: { id: number; title: string; targets: { expr: string }[]; gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[];
} = JSON.parse(readRepositoryFile('docs/operations/onceguard.dashboard.json'));
const panels = dashboard.panels.map(({ title, targets }) => [title, targets.map(({ expr }) => expr)] as const);

const register = new Registry();
const stop = registerIdempotencyMetrics({ register });
afterAll(stop);

/** The labels of each metric, as it is registered. */
const labelsOf = new Map(
  register.getMetricsAsArray().map((metric) => {
    const { name, labelNames } = metric as unknown as { name: string; labelNames: string[] };
    return [name, labelNames] as const;
  }),
);

/** The metrics that an expression asks for, with the labels that it selects by. */
function selectorsIn(text: string): { metric: string; labels: string[] }[] {
  return [...text.matchAll(/\b(idempotency_[a-z_]+)(?:\{([^}]*)\})?/g)].map(([, name = '', selector = '']) => ({
    metric: name.replace(/_(bucket|count|sum)$/, ''),
    labels: [...selector.matchAll(/(\w+)\s*(?:=~|!=|=)/g)].map(([, label = '']) => label),
  }));
}

function expectKnown(text: string): void {
  const selectors = selectorsIn(text);
  expect(selectors.length).toBeGreaterThan(0);
  for (const { metric, labels } of selectors) {
    expect([...labelsOf.keys()]).toContain(metric);
    expect(labelsOf.get(metric)).toEqual(expect.arrayContaining(labels));
  }
}

describe('The rules for Prometheus', () => {
  it('are taken by promtool', () => {
    expect(promtool('check', 'rules', join(root, rulesFile))).toMatchObject({ status: 0 });
  });

  it('fire when they should, also for the first event of a process', () => {
    const { status, output } = promtool('test', 'rules', join(root, 'test/operations/rules.test.yml'));
    expect(output).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  it('ask for metrics and labels that exist', () => expectKnown(rules));

  it('are all explained in docs/operations.md', () => {
    const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    const page = readRepositoryFile('docs/operations.md');
    const explained = [...page.matchAll(/^\| `(Idempotency\w+)` \|/gm)].map(([, name]) => name);
    expect(explained).toEqual(names);
  });
});

describe('The dashboard for Grafana', () => {
  test.each(panels)('%s asks for metrics and labels that exist', (_title, expressions) => {
    for (const expression of expressions) expectKnown(expression);
  });

  it('shows every metric', () => {
    const shown = new Set(
      panels.flatMap(([, expressions]) => expressions.flatMap(selectorsIn)).map(({ metric }) => metric),
    );
    expect([...shown].sort()).toEqual([...labelsOf.keys()].sort());
  });

  it('has expressions that Prometheus understands', () => {
    const folder = mkdtempSync(join(tmpdir(), 'onceguard-'));
    const file = join(folder, 'expressions.json');
    const asRules = panels
      .flatMap(([, expressions]) => expressions)
      .map((expr, at) => ({
        record: `panel:${at}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(store|operation)/g, '.*'),
      }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules: asRules }] }));
    const { status, output } = promtool('check', 'rules', file);
    rmSync(folder, { recursive: true });
    expect(output).toContain(`${asRules.length} rules found`);
    expect(status).toBe(0);
  });

  it('has panels with ids of their own that do not overlap', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });
});
