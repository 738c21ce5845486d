// Publishes the errors and warnings of a check.
import { publish } from '../../../../events.js';
import { processWide } from '../../../../process-wide.js';
import type { Finding } from './findings.js';

/**
 * Publishes each error and warning as an event `warning` and through `process.emitWarning`: once per process, code and
 * server.
 */
export function publishFindings(findings: readonly Finding[]): void {
  const published = processWide('findings/1', () => new Set<string>());
  for (const { code, severity, server, message, remedy } of findings) {
    const subject = `${code} ${server}`;
    if (severity === 'info' || published.has(subject)) continue;
    published.add(subject);
    const text = `Redis ${server}: ${message}. ${remedy}`;
    publish('warning', () => ({ code, message: text }));
    process.emitWarning(text, { type: 'OnceguardWarning', code });
  }
}
