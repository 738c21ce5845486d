// A doubt as a few lines of text: what is known, and what to search for at the provider.
import type { Doubt } from '@onceguard/core';
import { formatRows } from './format-record.js';
import { oneLine, style } from './terminal.js';
import { formatDuration, formatExact } from './times.js';

export function formatDoubt(doubt: Doubt, now: number): string {
  const { recordName, operation, label, state, attempt, acquiredAt } = doubt;
  const name = label === null ? oneLine(operation) : `${oneLine(operation)} · ${oneLine(label)}`;
  const age = `for ${formatDuration(Math.max(0, now - acquiredAt))}`;
  const how = state === 'abandoned' ? 'its process vanished' : 'it ended without a clear outcome';
  const rows: [string, string][] = [
    ['Name', recordName],
    ['Attempt', `${attempt}, began ${formatExact(new Date(acquiredAt))}; ${how}`],
    ...doubt.recordedSteps.map((step): [string, string] => ['Done', oneLine(step)]),
    ...doubt.stepsInDoubt.map(({ name: step, key }): [string, string] => [
      'In doubt',
      `${oneLine(step)}, its key at the provider is ${key}`,
    ]),
    ...doubt.decisions.map(({ by, reason }): [string, string] => [
      'Decided before',
      `${oneLine(by)}: ${oneLine(reason)}`,
    ]),
  ];
  return `${style('bold', name)}  ${style('red', age)}\n${formatRows(rows).replace(/^/gm, '  ')}`;
}
