// Draws the faults of a run and their times. They depend on the seed alone, so the same seed draws the same faults.
import { Random } from '../model/seeded-random.js';

/** Faults of the connections between one client and the server. */
export const networkFaults = [
  'lose_reply',
  'lose_reply_reset',
  'lose_request',
  'half_close',
  'cut',
  'reset',
  'delay',
  'black_hole',
] as const;

/** Faults of the server. The last two lose data: all of it, or what had not reached the replica. */
export const serverFaults = [
  'freeze_server',
  'pause_clients',
  'pause_writes',
  'flush_scripts',
  'restart_server',
  'restart_server_empty',
  'fail_over',
] as const;

/** Faults of a process of owners. While it is paused, its leases expire. */
export const ownerFaults = ['kill_owner', 'pause_owner'] as const;

export type NetworkFault = (typeof networkFaults)[number];
export type ServerFault = (typeof serverFaults)[number];
export type OwnerFault = (typeof ownerFaults)[number];

export interface Fault {
  /** Faults of one lane come one after the other. Faults of different lanes may overlap. */
  readonly lane: number;
  readonly kind: NetworkFault | ServerFault | OwnerFault;
  /** Milliseconds from the start of the run. */
  readonly atMs: number;
  /** How long the fault lasts; 0 for a fault without duration. */
  readonly durationMs: number;
  /** Selects the proxy or the process: a fraction of their number, from 0 to below 1. */
  readonly target: number;
}

interface Lane {
  readonly kinds: readonly Fault['kind'][];
  /** The range of the time between the end of one fault and the next one. */
  readonly gapMs: readonly [number, number];
}

const lanes: readonly Lane[] = [
  { kinds: networkFaults, gapMs: [50, 500] },
  { kinds: networkFaults, gapMs: [50, 500] },
  { kinds: [...serverFaults, 'freeze_server', 'flush_scripts', 'restart_server'], gapMs: [500, 2_500] },
  { kinds: ownerFaults, gapMs: [1_000, 4_000] },
];

const durationRangesMs: { readonly [kind in Fault['kind']]?: readonly [number, number] } = {
  delay: [200, 2_000],
  black_hole: [200, 2_500],
  freeze_server: [100, 2_500],
  pause_clients: [100, 2_000],
  pause_writes: [100, 2_000],
  restart_server: [0, 800],
  restart_server_empty: [0, 800],
  fail_over: [0, 1_500],
  pause_owner: [500, 3_500],
};

/** All faults of a run, ordered by time. A longer run of the same seed begins with the same faults. */
export function drawFaults(seed: number, durationMs: number): Fault[] {
  const all = lanes.flatMap((plan, lane) => drawLane(plan, lane, new Random(seed * lanes.length + lane), durationMs));
  return all.sort((left, right) => left.atMs - right.atMs);
}

function drawLane({ kinds, gapMs }: Lane, lane: number, random: Random, durationMs: number): Fault[] {
  const drawn: Fault[] = [];
  let deck: Fault['kind'][] = [];
  for (let atMs = random.integer(...gapMs); ; ) {
    // Every kind comes once before any comes again, so that a short run has all of them.
    if (deck.length === 0) deck = shuffled(kinds, random);
    const [kind, ...rest] = deck;
    const lastsMs = kind === undefined ? 0 : random.integer(...(durationRangesMs[kind] ?? [0, 0]));
    if (kind === undefined || atMs + lastsMs >= durationMs) return drawn;
    drawn.push({ lane, kind, atMs, durationMs: lastsMs, target: random.next() });
    deck = rest;
    atMs += lastsMs + random.integer(...gapMs);
  }
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const order = items.map((item) => ({ item, place: random.next() }));
  return order.sort((left, right) => left.place - right.place).map(({ item }) => item);
}
