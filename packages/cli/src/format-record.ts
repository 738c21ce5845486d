// A record as a page of text: its state in words, what repeats get, its timeline, its steps, and its keys at the provider.
import { STATUS_CODES } from 'node:http';
import { deriveKeyFromRecordName, type OutcomeJson, type RecordView, toRecordJson } from '@onceguard/core';
import { manyLines, oneLine, style } from './terminal.js';
import { formatExact, formatRelative } from './times.js';

const stateStyles = {
  completed: 'green',
  in_progress: 'blue',
  outcome_unknown: 'red',
  abandoned: 'yellow',
  retryable: 'yellow',
  expired: 'dim',
  removed: 'dim',
} as const satisfies Record<RecordView['state'], string>;

/** `derived`: the names of further keys that the work passed on by `deriveKey(name)`. */
export function formatRecord(view: RecordView, derived: readonly string[] = []): string {
  const { meaning } = toRecordJson(view);
  const title = `${style('bold', oneLine(view.operation) || 'Removed record')}  ${style(stateStyles[view.state], view.state.toUpperCase())}`;
  const parts = [
    `${title}\n${meaning}`,
    formatRows(factsOf(view)),
    section('Timeline', timelineOf(view)),
    section('What repeats get', formatOutcome(view)),
    section('Steps', formatSteps(view)),
    section('Keys at the provider', formatKeys(view, derived)),
    section('Decisions', formatDecisions(view)),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function section(title: string, text: string): string {
  return text === '' ? '' : `${style('bold', title)}\n${text.replace(/^/gm, '  ')}`;
}

/** Names and values in two columns. */
export function formatRows(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function factsOf(view: RecordView): [string, string][] {
  const facts: [string, string | null][] = [
    ['Name', view.recordName],
    ['Label', view.label],
    ['Trace', view.traceparent],
    ['Attempts', String(view.attempt)],
    ['After a crash', view.guarded ? 'nothing runs until somebody decides' : 'the next repeat runs the work again'],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : [[name, oneLine(value)]]));
}

function timelineOf(view: RecordView): string {
  const moments: [Date | null, string][] = [
    [view.firstAcquiredAt, 'First attempt began'],
    [view.attempt > 1 ? view.acquiredAt : null, `Attempt ${view.attempt} began`],
    [view.leaseEndAt, view.state === 'in_progress' ? 'Lease ends, if it is not renewed' : 'Lease ended'],
    ...view.decisions.map(({ at, by }): [Date, string] => [at, `${oneLine(by)} decided`]),
    [view.completedAt, 'Completed'],
    [view.retryAt, 'May be recovered again'],
    [view.outcomeExpiresAt, 'Repeats no longer get the outcome'],
    [view.expiresAt, 'The record goes, and its key is new'],
  ];
  return moments
    .filter((moment): moment is [Date, string] => moment[0] !== null)
    .sort(([a], [b]) => a.getTime() - b.getTime())
    .map(([at, text]) => `${formatExact(at)}  ${formatRelative(at, view.readAt).padEnd(16)}  ${text}`)
    .join('\n');
}

const withoutOutcome: Readonly<Record<RecordView['state'], string>> = {
  in_progress: '409 in_progress, until the attempt has ended',
  outcome_unknown: '409 outcome_unknown, until somebody decides',
  abandoned: 'the outcome of another attempt',
  retryable: 'the outcome of another attempt',
  completed: 'nothing: no outcome is on record',
  expired: '410 expired: the work is done, its outcome is not kept',
  removed: 'the outcome of a first attempt',
};

function formatOutcome(view: RecordView): string {
  const { outcome } = toRecordJson(view);
  if (outcome === null) return withoutOutcome[view.state];
  switch (outcome.kind) {
    case 'response':
      return formatResponse(outcome);
    case 'result':
      return `the result\n${formatJson(outcome.value)}`;
    case 'error':
      return `the error ${oneLine(outcome.name)}: ${manyLines(outcome.message)}`;
    case 'unreadable':
      return `unreadable: ${oneLine(outcome.reason)}`;
  }
}

function formatResponse({ status, reason, headers, body }: Extract<OutcomeJson, { kind: 'response' }>): string {
  const lines = headers.map(([name, value]) => `${oneLine(name)}: ${oneLine(value)}`);
  const text =
    'text' in body ? manyLines(body.text) : `${body.bytes} bytes that are no text, as Base64:\n${body.base64}`;
  const head = [`${status} ${oneLine(reason ?? STATUS_CODES[status] ?? '')}`, ...lines].join('\n');
  return body.bytes === 0 ? head : `${head}\n\n${text}`;
}

function formatSteps(view: RecordView): string {
  const width = Math.max(0, ...view.steps.map(({ name }) => oneLine(name).length));
  return toRecordJson(view)
    .steps.map(({ name, state, ...step }) => {
      const result = 'result' in step ? `\n${formatJson(step.result).replace(/^/gm, '  ')}` : '';
      return `${oneLine(name).padEnd(width)}  ${state.replace('_', ' ')}${result}`;
    })
    .join('\n');
}

function formatKeys({ recordName, steps }: RecordView, derived: readonly string[]): string {
  const further = derived.map((name) => ({ name, key: deriveKeyFromRecordName(recordName, name) }));
  const rows = [...steps, ...further].map(({ name, key }) => [oneLine(name), key] as const);
  return rows.length > 0
    ? formatRows(rows)
    : 'The work has no steps. Add --derive NAME for the key that deriveKey(NAME) gave.';
}

function formatDecisions({ decisions }: RecordView): string {
  return decisions
    .map(({ at, by, as, reason }) => {
      const what = as === 'done' ? 'it happened' : 'it did not happen';
      return `${formatExact(at)}  ${oneLine(by)}: ${what}: ${oneLine(reason)}`;
    })
    .join('\n');
}

function formatJson(value: unknown): string {
  return manyLines(JSON.stringify(value, null, 2));
}
