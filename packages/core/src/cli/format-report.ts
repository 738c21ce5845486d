// What a check has found, for people: by severity, each with its remedy.
import { styleText } from 'node:util';
import type { Finding, Severity } from '../stores/redis/diagnostics/check/check-redis.js';
import type { CheckReport } from './doctor.js';

const headings = {
  error: ['red', 'Errors: this has to change'],
  warning: ['yellow', 'Warnings: this should change'],
  info: ['cyan', 'Good to know'],
} as const satisfies Record<Severity, readonly ['red' | 'yellow' | 'cyan', string]>;

export function formatReport({ servers, findings }: CheckReport, hasColours: boolean): string {
  const parts = (['error', 'warning', 'info'] as const).flatMap((severity) => {
    const [colour, heading] = headings[severity];
    const items = groupFindings(findings.filter((finding) => finding.severity === severity));
    return items.length === 0 ? [] : [hasColours ? styleText(colour, heading) : heading, ...items];
  });
  return [...parts, `${formatCounts(findings)}. Looked at ${servers.join(', ')}.`].join('\n\n');
}

/** What is so with several servers is said once. */
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
