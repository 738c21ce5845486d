// Times: how long ago, with the exact time beside it.
import { useNow } from './hooks.js';

const units = [
  ['year', 31_536_000_000],
  ['month', 2_592_000_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

export function formatRelative(at: number, now: number): string {
  const ms = at - now;
  const [unit, size] = units.find(([, length]) => Math.abs(ms) >= length) ?? ['second', 1_000];
  return Math.abs(ms) < 1_000 ? 'just now' : relative.format(Math.trunc(ms / size), unit);
}

/** In UTC, as logs have it. */
function formatExact(at: number): string {
  return new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
}

/** Such as `1 min 20 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

export function Time({ at, inline = false }: { at: string | number; inline?: boolean }) {
  const now = useNow();
  const ms = typeof at === 'number' ? at : Date.parse(at);
  const date = new Date(ms);
  return (
    <time class={inline ? 'time inline' : 'time'} dateTime={date.toISOString()} title={`${date.toLocaleString()} here`}>
      <span class="relative">{formatRelative(ms, now)}</span> <span class="exact">{formatExact(ms)}</span>
    </time>
  );
}
