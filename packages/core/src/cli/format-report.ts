// Formats the findings of a check for people: by severity, each with its remedy.
import { styleText } from 'node:util';
import type { Finding, Severity } from '../stores/redis/diagnostics/check/check-redis.js';
import type { CheckReport } from './doctor.js';

const headings = {
  error: ['red', 'Errors: fix these'],
  warning: ['yellow', 'Warnings: you should fix these'],
  info: ['cyan', 'Good to know'],
} as const satisfies Record<Severity, readonly ['red' | 'yellow' | 'cyan', string]>;

export function formatReport({ servers, findings }: CheckReport, hasColours: boolean): string {
  const parts = (['error', 'warning', 'info'] as const).flatMap((severity) => {
    const [colour, heading] = headings[severity];
    const items = groupFindings(findings.filter((finding) => finding.severity === severity));
    return items.length === 0 ? [] : [hasColours ? styleText(colour, heading) : heading, ...items];
  });
  return [...parts, `${formatCounts(findings)}. Checked: ${servers.join(', ')}.`].join('\n\n');
}

/** Merges findings that are the same on several servers into one item. */
function groupFindings(findings: readonly Finding[]): string[] {
  const items = new Map<string, string[]>();
  for (const { code, server, message, remedy } of findings) {
    const text = `${code}\n    ${message}\n    → ${remedy}`;
    items.set(text, [...(items.get(text) ?? []), server]);
  }
  return [...items].map(([text, servers]) => `  ${servers.join(', ')}: ${text}`);
}

function formatCounts(findings: readonly Finding[]): string {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  return `Errors: ${count('error')}, warnings: ${count('warning')}, good to know: ${count('info')}`;
}
