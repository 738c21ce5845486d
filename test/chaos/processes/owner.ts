// A process of owners: makes its share of the calls of a run, and writes their history.
import { setTimeout as pause } from 'node:timers/promises';
import { drainStore, type EventName, onEvent } from '@onceguard/core';
import {
  type ClientName,
  clientNames,
  type PlannedCall,
  planCalls,
  planLastRepeats,
  type RunPlan,
} from '../call-plan.js';
import { openStore } from '../client-stores.js';
import { HistoryWriter } from '../history.js';
import { RecordingStore } from '../recording-store.js';
import { runCall } from '../run-call.js';

export interface OwnerSettings {
  /** The name of this process in the histories. */
  readonly name: string;
  readonly folder: string;
  readonly run: RunPlan;
  /** Selects the process's share of the calls; null: the last repeats of all keys. */
  readonly worker: number | null;
  /** The start of the run, on the clock of the machine. Calls that were due before this process started are skipped. */
  readonly startedAt: number;
  /** The URL of each client's proxy, in the order of `clientNames`. */
  readonly urls: readonly string[];
}

const settings: OwnerSettings = JSON.parse(process.argv[2] ?? '');
const history = new HistoryWriter(settings.folder, settings.name);
const isLast = settings.worker === null;
/** The last repeats need no load. */
const maxCallsAtOnce = isLast ? 20 : 200;
const pendingCalls = new Set<Promise<void>>();
let callsMade = 0;

process.on('disconnect', () => process.exit());
process.on('unhandledRejection', (reason) => history.write({ kind: 'unhandled', why: String(reason) }));
process.on('uncaughtException', (error) => history.write({ kind: 'unhandled', why: String(error.stack) }));
for (const event of ['record_lost', 'data_may_be_lost'] as const satisfies readonly EventName[]) {
  onEvent(event, (message) => history.write({ kind: 'reported', event, detail: JSON.stringify(message) }));
}
setInterval(() => process.send?.({ callsMade }), 500).unref();

const stores = new Map<ClientName, RecordingStore>();
for (const [index, client] of clientNames.entries()) {
  stores.set(client, new RecordingStore(await openStore(client, settings.urls[index] ?? ''), history));
}
await makeAll(settings.worker === null ? planLastRepeats(settings.run.keys) : planCalls(settings.run, settings.worker));
await Promise.all([...stores.values()].map(async (store) => await untilSettled(store)));
process.exit();

async function makeAll(calls: readonly PlannedCall[]): Promise<void> {
  const elapsedMs = Date.now() - settings.startedAt;
  for (const [index, planned] of calls.entries()) {
    if (!isLast && planned.atMs < elapsedMs) continue;
    const earlyMs = settings.startedAt + planned.atMs - Date.now();
    if (earlyMs > 0) await pause(earlyMs);
    if (pendingCalls.size >= maxCallsAtOnce) await Promise.race(pendingCalls);
    const store = stores.get(planned.client);
    if (store === undefined) throw new Error(`no such client: ${planned.client}`);
    const call = runCall(planned, { store, history, call: `${settings.name}.${index}`, isLast }).finally(() => {
      callsMade += 1;
      pendingCalls.delete(call);
    });
    pendingCalls.add(call);
  }
  await Promise.all(pendingCalls);
}

/** Resolves when all background calls and all other store calls have ended. */
async function untilSettled(store: RecordingStore): Promise<void> {
  await drainStore(store, { timeoutMs: 10_000 });
  while (store.pendingCalls > 0) await pause(20);
}
