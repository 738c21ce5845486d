// Runs chaos: starts a server, proxies and processes, injects faults, and finally repeats the call of every key once more.
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

/** Time for the processes to start before the first call is due. */
const startupMs = 2_500;

/** Time for calls that began at the end of a run, on a busy machine. */
const shutdownLimitMs = 60_000;

export interface RunProgress {
  readonly elapsedMs: number;
  readonly calls: number;
  readonly faults: number;
}

/** Executes the run, writes its histories to the folder, and reports the progress every few seconds. */
export async function runChaos(plan: RunPlan, folder: string, report: (progress: RunProgress) => void): Promise<void> {
  const history = new HistoryWriter(folder, 'main');
  const server = await StoreServer.start(history);
  const clientProxies: ClientProxy[] = [];
  const startedAt = Date.now() + startupMs;
  const newOwner = async (name: string, worker: number | null): Promise<OwnerProcess> => {
    const ownProxies = await Promise.all(
      clientNames.map(async (client) => ({ client, proxy: await startFaultProxy(server.url) })),
    );
    clientProxies.push(...ownProxies);
    const urls = ownProxies.map(({ proxy }) => proxy.url);
    return await OwnerProcess.start({ name, folder, run: plan, worker, startedAt, urls }, history);
  };
  try {
    const owners = await Promise.all(
      Array.from({ length: plan.workers }, async (_, worker) => await newOwner(`w${worker}`, worker)),
    );
    const faults = drawFaults(plan.seed, plan.durationMs);
    const stopReports = reportRegularly(() => report(progressAt(startedAt, owners, faults)));
    await injectFaults(faults, { server, clientProxies, owners, history, startedAt });
    await Promise.all(owners.map(async (owner) => await owner.untilEnded(shutdownLimitMs)));
    // A process that was killed last may have left a lease behind.
    await pause(1.5 * leaseMs);
    const last = await newOwner('last', null);
    await last.untilEnded(shutdownLimitMs);
    stopReports();
    await writeFoundKeys(server.url, history);
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

function reportRegularly(report: () => void): () => void {
  const timer = setInterval(report, 10_000);
  return () => clearInterval(timer);
}

/** Writes every key of the server with its remaining time to live. */
async function writeFoundKeys(url: string, history: HistoryWriter): Promise<void> {
  const redis = new Redis(url);
  for await (const names of redis.scanStream({ count: 500 }) as AsyncIterable<string[]>) {
    const ttls = await Promise.all(names.map(async (name) => await redis.pttl(name)));
    for (const [index, name] of names.entries()) history.write({ kind: 'key_found', name, pttlMs: ttls[index] ?? 0 });
  }
  redis.disconnect();
}
