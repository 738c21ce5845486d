// Which fault comes when: drawn from the seed alone, so that the same seed draws the same faults.
import { Random } from '../model/seeded-random.js';

/** What can be done to the way between one client and the server. */
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

/** To the server; the last two lose data: all of it, or what the replica had not heard of. */
export const serverFaults = [
  'freeze_server',
  'pause_clients',
  'pause_writes',
  'flush_scripts',
  'restart_server',
  'restart_server_empty',
  'fail_over',
] as const;

/** To a process of owners. Paused, it sleeps through its leases. */
export const ownerFaults = ['kill_owner', 'pause_owner'] as const;

export type NetworkFault = (typeof networkFaults)[number];
export type ServerFault = (typeof serverFaults)[number];
export type OwnerFault = (typeof ownerFaults)[number];

export interface Fault {
  /** Faults of one lane come one after the other, those of different lanes at the same time. */
  readonly lane: number;
  readonly kind: NetworkFault | ServerFault | OwnerFault;
  /** From the beginning of the run. */
  readonly atMs: number;
  /** How long it is kept up; what happens in an instant has 0. */
  readonly durationMs: number;
  /** Which of the ways, or of the processes, it is done to: from 0 up to, not including, 1 of their number. */
  readonly target: number;
}

interface Lane {
  readonly kinds: readonly Fault['kind'][];
  /** Between the end of one fault and the next. */
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

/** All faults of a run, in order. A longer run of the same seed begins with the same ones. */
export function drawFaults(seed: number, durationMs: number): Fault[] {
  const all = lanes.flatMap((plan, lane) => drawLane(plan, lane, new Random(seed * lanes.length + lane), durationMs));
  return all.sort((one, other) => one.atMs - other.atMs);
}

function drawLane({ kinds, gapMs }: Lane, lane: number, random: Random, durationMs: number): Fault[] {
  const drawn: Fault[] = [];
  let deck: Fault['kind'][] = [];
  for (let atMs = random.integer(...gapMs); ; ) {
    // Each kind once before any comes again: a short run has them all, too.
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
  return order.sort((one, other) => one.place - other.place).map(({ item }) => item);
}
