// Recorded contents are masked until somebody asks for them, and that somebody asked is an event.
import { channel } from 'node:diagnostics_channel';
import type { OutcomeJson, RecordJson } from '@onceguard/core';

/** The diagnostics channel of `RevealedEvent`. */
export const revealedChannel = 'onceguard:revealed';

/** Somebody looked at what a record contains: bodies, results of steps, values of cookies. */
export interface RevealedEvent {
  readonly store: string;
  readonly recordName: string;
  /** The name of the visitor, as `authorize` returned it. */
  readonly by: string;
}

export function publishRevealed(event: RevealedEvent): void {
  const target = channel(revealedChannel);
  if (target.hasSubscribers) target.publish(event);
}

/** Headers whose values let somebody act as somebody else. */
const secretHeaders = new Set(['set-cookie', 'authorization', 'www-authenticate', 'proxy-authorization']);

/** The record without its contents. Sizes, statuses and names stay. */
export function maskRecord(record: RecordJson): RecordJson {
  return {
    ...record,
    steps: record.steps.map(({ result: _result, ...step }) => step),
    outcome: record.outcome === null ? null : maskOutcome(record.outcome),
  };
}

function maskOutcome(outcome: OutcomeJson): OutcomeJson {
  switch (outcome.kind) {
    case 'response': {
      const { headers, body } = outcome;
      const shown = headers.map(
        ([name, value]) => [name, secretHeaders.has(name.toLowerCase()) ? '•••' : value] as const,
      );
      return { ...outcome, headers: shown, body: { bytes: body.bytes, text: '' } };
    }
    case 'result':
      return { kind: 'result', value: null };
    case 'error':
      return { ...outcome, message: '' };
    case 'unreadable':
      return outcome;
  }
}
