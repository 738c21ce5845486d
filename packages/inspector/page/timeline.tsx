// What happened to the record and what will, in the order of time.
import type { RecordJson } from '@onceguard/core';
import { useNow } from './hooks.js';
import { formatDuration, Time } from './time.js';

interface Entry {
  readonly at: string;
  readonly text: string;
}

export function Timeline({ record }: { record: RecordJson }) {
  const now = useNow();
  return (
    <ol class="timeline">
      {entriesOf(record).map(({ at, text }) => (
        <li key={`${at} ${text}`} class={Date.parse(at) > now ? 'ahead' : ''}>
          <span>{text}</span>
          <Time at={at} />
        </li>
      ))}
    </ol>
  );
}

function entriesOf(record: RecordJson): Entry[] {
  const { attempt, firstAcquiredAt, acquiredAt, leaseEndAt, completedAt, outcomeExpiresAt, expiresAt } = record;
  const lasted = acquiredAt === null || completedAt === null ? 0 : Date.parse(completedAt) - Date.parse(acquiredAt);
  const decided = record.decisions.map(({ at, by }) => entry(at, `${by} decided`));
  const isDecided = record.decisions.some(({ at }) => at === completedAt);
  const entries = [
    entry(firstAcquiredAt, 'First attempt began'),
    attempt > 1 ? entry(acquiredAt, `Attempt ${attempt} began`) : null,
    entry(leaseEndAt, record.state === 'in_progress' ? 'Lease ends, if it is not renewed' : 'Lease ended'),
    ...decided,
    entry(completedAt, isDecided ? 'Completed by a decision' : `Completed, after ${formatDuration(lasted)}`),
    entry(record.retryAt, 'May be recovered again'),
    entry(outcomeExpiresAt, 'Repeats no longer get the outcome'),
    entry(expiresAt, 'The record goes, and its key is new'),
  ];
  return entries.filter((one) => one !== null).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function entry(at: string | null, text: string): Entry | null {
  return at === null ? null : { at, text };
}
