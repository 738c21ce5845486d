// Says what a check has found, to whoever listens to warnings.
import { publish } from '../../../../events.js';
import { processWide } from '../../../../process-wide.js';
import type { Finding } from './findings.js';

/**
 * Tells of errors and warnings through the event `warning` and through `process.emitWarning`, once per process, code and
 * server.
 */
export function publishFindings(findings: readonly Finding[]): void {
  const announced = processWide('findings/1', () => new Set<string>());
  for (const { code, severity, server, message, remedy } of findings) {
    const subject = `${code} ${server}`;
    if (severity === 'info' || announced.has(subject)) continue;
    announced.add(subject);
    const text = `Redis ${server}: ${message}. ${remedy}`;
    publish('warning', () => ({ code, message: text }));
    process.emitWarning(text, { type: 'OnceguardWarning', code });
  }
}
