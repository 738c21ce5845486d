// Times for people: how long ago, with the exact time in UTC beside it, as logs have it.

const units = [
  ['year', 31_536_000_000],
  ['month', 2_592_000_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/** `now` is the clock that the times are from: the store's. */
export function formatRelative(at: Date, now: Date): string {
  const ms = at.getTime() - now.getTime();
  const unit = units.find(([, size]) => Math.abs(ms) >= size);
  return unit === undefined ? 'just now' : relative.format(Math.trunc(ms / unit[1]), unit[0]);
}

export function formatExact(at: Date): string {
  return at.toISOString().replace('T', ' ').replace('Z', ' UTC');
}

export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const unit = units.find(([, size]) => ms >= size) ?? units[5];
  const count = Math.floor(ms / unit[1]);
  return `${count} ${unit[0]}${count === 1 ? '' : 's'}`;
}
