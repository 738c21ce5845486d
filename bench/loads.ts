// The loads of the main run: what each sends, and to which rows.
import type { KeyPlan } from './keys.js';

export interface Load {
  readonly name: string;
  readonly title: string;
  /** Measured in every round, or in every second or fourth one. */
  readonly everyRounds: 1 | 2 | 4;
  readonly connections: number;
  /** The rows for which the load is meaningful; default: all that are not made for other loads only. */
  readonly rows?: readonly string[];
  /**
   * An open loop: requests arrive at this share of what the bare app serves in a closed loop, however slowly they are answered.
   * Default: a closed loop.
   */
  readonly arrivalShare?: number;
  /** The duration of a measurement; default: that of the run. */
  readonly sliceMs?: number;
  keys(prefixes: KeyPrefixes): KeyPlan;
}

/** The prefixes of keys: for keys that are sent before the measurement, and for new ones. */
export interface KeyPrefixes {
  readonly repeated: string;
  readonly fresh: string;
}

const repeatedCount = 100;

const comparedRows = ['bare', 'limit', 'by-hand', 'onceguard-redis'];
const peerRows = ['express-idempotency', 'node-idempotency', 'powertools'];

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
    everyRounds: 4,
    connections: 32,
    keys: (prefixes) => repeatedKeys(prefixes, 0.9),
  },
  {
    name: 'duplicates',
    title: '50 duplicates at once',
    everyRounds: 4,
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
  {
    name: 'single',
    title: 'one request at a time',
    everyRounds: 2,
    connections: 1,
    rows: [...comparedRows, ...peerRows],
    keys: ({ fresh }) => ({ kind: 'fresh', prefix: fresh }),
  },
  ...[0.2, 0.5, 0.8].map(
    (share): Load => ({
      name: `open-${share * 100}`,
      title: `an open loop at ${share * 100} % of bare`,
      everyRounds: 4,
      connections: 64,
      rows: [...comparedRows, 'powertools'],
      arrivalShare: share,
      sliceMs: 1_000,
      keys: ({ fresh }) => ({ kind: 'fresh', prefix: fresh }),
    }),
  ),
];

/** The loads that measure how much a row can do, rather than how long a request takes. */
export const throughputLoads = loads.filter(({ arrivalShare, connections }) => {
  return arrivalShare === undefined && connections > 1;
});

export function loadNamed(name: string): Load {
  const load = loads.find((one) => one.name === name);
  if (load === undefined) throw new Error(`There is no load ${name}`);
  return load;
}

export function repeatedKeys({ repeated, fresh }: KeyPrefixes, freshShare: number): KeyPlan {
  return { kind: 'repeated', prefix: repeated, count: repeatedCount, freshShare, freshPrefix: fresh };
}
