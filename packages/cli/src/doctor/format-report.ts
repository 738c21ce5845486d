// Formats the findings of a check for people: by severity, each with its remedy.
import { styleText } from 'node:util';
import type { StoreFinding } from '@onceguard/core/sql';

/** What was found on whatever kind of store. */
export interface DoctorReport {
  readonly servers: readonly string[];
  readonly findings: readonly StoreFinding[];
  /** Whether there is no finding of severity error. */
  readonly ok: boolean;
}

const headings = {
  error: ['red', 'Errors: fix these'],
  warning: ['yellow', 'Warnings: you should fix these'],
  info: ['cyan', 'Good to know'],
} as const satisfies Record<StoreFinding['severity'], readonly ['red' | 'yellow' | 'cyan', string]>;

export function formatReport({ servers, findings }: DoctorReport, hasColours: boolean): string {
  const parts = (['error', 'warning', 'info'] as const).flatMap((severity) => {
    const [colour, heading] = headings[severity];
    const items = groupFindings(findings.filter((finding) => finding.severity === severity));
    return items.length === 0 ? [] : [hasColours ? styleText(colour, heading) : heading, ...items];
  });
  return [...parts, `${formatCounts(findings)}. Checked: ${servers.join(', ')}.`].join('\n\n');
}

/** Merges findings that are the same on several servers into one item. */
function groupFindings(findings: readonly StoreFinding[]): string[] {
  const items = new Map<string, string[]>();
  for (const { code, server, message, remedy } of findings) {
    const text = `${code}\n    ${message}\n    → ${remedy}`;
    items.set(text, [...(items.get(text) ?? []), server]);
  }
  return [...items].map(([text, servers]) => `  ${servers.join(', ')}: ${text}`);
}

function formatCounts(findings: readonly StoreFinding[]): string {
  const count = (severity: StoreFinding['severity']) =>
    findings.filter((finding) => finding.severity === severity).length;
  return `Errors: ${count('error')}, warnings: ${count('warning')}, good to know: ${count('info')}`;
}
