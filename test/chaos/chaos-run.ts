// A chaos run: servers, ways and processes of its own, faults, and at the end every key asked for once more.
import { setTimeout as pause } from 'node:timers/promises';
import { startFaultProxy } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { clientNames, type RunPlan } from './call-plan.js';
import { type ClientProxy, injectFaults } from './fault-injector.js';
import { drawFaults, type Fault } from './fault-schedule.js';
import { HistoryWriter } from './history.js';
import { OwnerProcess } from './owner-process.js';
import { leaseMs } from './run-call.js';
import { StoreServer } from './store-server.js';

/** For processes to start before the first call is due. */
const startupMs = 2_500;

/** For what was begun at the end of a run, and for a machine that is busy. */
const shutdownLimitMs = 60_000;

export interface RunProgress {
  readonly elapsedMs: number;
  readonly calls: number;
  readonly faults: number;
}

/** Makes the run, writes its histories to the folder, and says now and then how it stands. */
export async function runChaos(plan: RunPlan, folder: string, say: (standing: RunProgress) => void): Promise<void> {
  const history = new HistoryWriter(folder, 'main');
  const server = await StoreServer.start(history);
  const clientProxies: ClientProxy[] = [];
  const startedAt = Date.now() + startupMs;
  const newOwner = async (name: string, worker: number | null): Promise<OwnerProcess> => {
    const own = await Promise.all(
      clientNames.map(async (client) => ({ client, proxy: await startFaultProxy(server.url) })),
    );
    clientProxies.push(...own);
    const urls = own.map(({ proxy }) => proxy.url);
    return new OwnerProcess({ name, folder, run: plan, worker, startedAt, urls }, history);
  };
  try {
    const owners = await Promise.all(
      Array.from({ length: plan.workers }, async (_, worker) => await newOwner(`w${worker}`, worker)),
    );
    const faults = drawFaults(plan.seed, plan.durationMs);
    const stopSaying = reportRegularly(() => say(progressAt(startedAt, owners, faults)));
    await injectFaults(faults, { server, clientProxies, owners, history, startedAt });
    await Promise.all(owners.map(async (owner) => await owner.untilEnded(shutdownLimitMs)));
    // Whoever was killed last may leave a lease behind.
    await pause(1.5 * leaseMs);
    const last = await newOwner('last', null);
    await last.untilEnded(shutdownLimitMs);
    stopSaying();
    await writeScannedKeys(server.url, history);
  } finally {
    await Promise.all(clientProxies.map(async ({ proxy }) => await proxy.close()));
    await server.stop();
  }
}

function progressAt(startedAt: number, owners: readonly OwnerProcess[], faults: readonly Fault[]): RunProgress {
  const elapsedMs = Math.max(0, Date.now() - startedAt);
  return {
    elapsedMs,
    calls: owners.reduce((sum, { callsMade }) => sum + callsMade, 0),
    faults: faults.filter(({ atMs }) => atMs <= elapsedMs).length,
  };
}

function reportRegularly(say: () => void): () => void {
  const timer = setInterval(say, 10_000);
  return () => clearInterval(timer);
}

/** Every key of the server, with the time that it has left. */
async function writeScannedKeys(url: string, history: HistoryWriter): Promise<void> {
  const redis = new Redis(url);
  for await (const names of redis.scanStream({ count: 500 }) as AsyncIterable<string[]>) {
    const left = await Promise.all(names.map(async (name) => await redis.pttl(name)));
    for (const [index, name] of names.entries()) history.write({ kind: 'scanned', name, pttlMs: left[index] ?? 0 });
  }
  redis.disconnect();
}
