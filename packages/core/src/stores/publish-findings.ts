// Publishes the errors and warnings that the check of a store found.
import { publish } from '../events.js';
import { processWide } from '../process-wide.js';

/** What the check of a store found, whatever the store. */
export interface StoreFinding {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly remedy: string;
  readonly server: string;
}

/**
 * Publishes each error and warning as an event `warning` and through `process.emitWarning`: once per process, code and
 * server. `product` names the kind of server, such as `Redis`.
 */
export function publishFindings(product: string, findings: readonly StoreFinding[]): void {
  const published = processWide('findings/1', () => new Set<string>());
  for (const { code, severity, server, message, remedy } of findings) {
    const subject = `${code} ${server}`;
    if (severity === 'info' || published.has(subject)) continue;
    published.add(subject);
    const text = `${product} ${server}: ${message}. ${remedy}`;
    publish('warning', () => ({ code, message: text }));
    process.emitWarning(text, { type: 'OnceguardWarning', code });
  }
}
