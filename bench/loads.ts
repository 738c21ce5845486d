// The loads of the main run: what each sends, and to which rows.
import type { KeyPlan } from './keys.js';

export interface Load {
  readonly name: string;
  readonly title: string;
  /** Measured in every round, or in every second one. */
  readonly everyRounds: 1 | 2;
  readonly connections: number;
  /** The rows for which the load is meaningful; default: all that are not made for another load only. */
  readonly rows?: readonly string[];
  keys(prefixes: KeyPrefixes): KeyPlan;
}

/** The prefixes of keys: for keys that are sent before the measurement, and for new ones. */
export interface KeyPrefixes {
  readonly repeated: string;
  readonly fresh: string;
}

const repeatedCount = 200;

export const loads: readonly Load[] = [
  {
    name: 'fresh',
    title: 'all fresh',
    everyRounds: 1,
    connections: 32,
    keys: ({ fresh }) => ({ kind: 'fresh', prefix: fresh }),
  },
  {
    name: 'replay',
    title: 'all replays',
    everyRounds: 1,
    connections: 32,
    keys: (prefixes) => repeatedKeys(prefixes, 0),
  },
  {
    name: 'mixed',
    title: '90 % fresh, 10 % replays',
    everyRounds: 2,
    connections: 32,
    keys: (prefixes) => repeatedKeys(prefixes, 0.9),
  },
  {
    name: 'duplicates',
    title: '50 duplicates at once',
    everyRounds: 2,
    connections: 50,
    keys: ({ fresh }) => ({ kind: 'bursts', prefix: fresh, size: 50 }),
  },
  {
    name: 'no-key',
    title: 'without a key',
    everyRounds: 1,
    connections: 32,
    rows: ['bare', 'onceguard-redis'],
    keys: () => ({ kind: 'none' }),
  },
];

export function loadNamed(name: string): Load {
  const load = loads.find((one) => one.name === name);
  if (load === undefined) throw new Error(`There is no load ${name}`);
  return load;
}

export function repeatedKeys({ repeated, fresh }: KeyPrefixes, freshShare: number): KeyPlan {
  return { kind: 'repeated', prefix: repeated, count: repeatedCount, freshShare, freshPrefix: fresh };
}
