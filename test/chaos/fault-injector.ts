// Injects the drawn faults into the processes, the proxies and the server of a run.
import { setTimeout as pause } from 'node:timers/promises';
import type { FaultProxy } from '@onceguard/testing';
import type { ClientName } from './call-plan.js';
import { leavesSilentConnection } from './client-stores.js';
import type { Fault } from './fault-schedule.js';
import type { HistoryWriter } from './history.js';
import type { OwnerProcess } from './owner-process.js';
import type { StoreServer } from './store-server.js';

/** The proxy between one client of one process and the server. */
export interface ClientProxy {
  readonly client: ClientName;
  readonly proxy: FaultProxy;
}

export interface ChaosEnvironment {
  readonly server: StoreServer;
  readonly clientProxies: readonly ClientProxy[];
  readonly owners: readonly OwnerProcess[];
  readonly history: HistoryWriter;
  /** The start of the run, on the clock of the machine. */
  readonly startedAt: number;
}

/** The delay in each direction. */
const delayMs = 120;

/** Injects the faults, those of one lane one after the other. Resolves when all are over and healed. */
export async function injectFaults(drawn: readonly Fault[], environment: ChaosEnvironment): Promise<void> {
  const lanes = new Set(drawn.map(({ lane }) => lane));
  await Promise.all(
    [...lanes].map(
      async (lane) =>
        await injectLane(
          drawn.filter((fault) => fault.lane === lane),
          environment,
        ),
    ),
  );
  for (const clientProxy of environment.clientProxies) heal(clientProxy);
}

async function injectLane(faults: readonly Fault[], environment: ChaosEnvironment): Promise<void> {
  for (const fault of faults) {
    const earlyMs = environment.startedAt + fault.atMs - Date.now();
    if (earlyMs > 0) await pause(earlyMs);
    environment.history.write({ kind: 'injected', fault: fault.kind });
    await inject(fault, environment);
  }
}

async function inject(
  { kind, durationMs, target }: Fault,
  { server, clientProxies, owners }: ChaosEnvironment,
): Promise<void> {
  const clientProxy = targetOf(clientProxies, target);
  const { proxy } = clientProxy;
  const owner = targetOf(owners, target);
  switch (kind) {
    case 'lose_reply':
    case 'lose_reply_reset':
    case 'lose_request':
    case 'half_close':
      // Not awaited: the fault affects the next call through that proxy, whenever it comes.
      return void proxy.injectFault(kind, /evalsha/i);
    case 'cut':
      return proxy.disconnectAll('fin');
    case 'reset':
      return proxy.disconnectAll('reset');
    case 'delay':
      proxy.setDelay(delayMs);
      return await healAfter(durationMs, clientProxy);
    case 'black_hole':
      proxy.blackHole();
      return await healAfter(durationMs, clientProxy);
    case 'freeze_server':
      return await server.freezeFor(durationMs);
    case 'pause_clients':
      return await pauseClients(server, durationMs, 'ALL');
    case 'pause_writes':
      return await pauseClients(server, durationMs, 'WRITE');
    case 'flush_scripts':
      return void (await server.command('SCRIPT', 'FLUSH'));
    case 'restart_server':
      return await server.restartAfter(durationMs);
    case 'restart_server_empty':
      return await server.restartEmptyAfter(durationMs);
    case 'fail_over':
      return await server.failOverAfter(
        durationMs,
        clientProxies.map(({ proxy }) => proxy),
      );
    case 'kill_owner':
      return await owner.killAndRestart();
    case 'pause_owner':
      return await owner.pauseFor(durationMs);
  }
}

async function healAfter(ms: number, clientProxy: ClientProxy): Promise<void> {
  await pause(ms);
  heal(clientProxy);
}

/**
 * Ends the faults of a proxy. What a black hole dropped stays lost. A client that does not close a silent connection would wait until the
 * kernel closes it, a quarter of an hour later. So its connections are closed now.
 */
function heal({ client, proxy }: ClientProxy): void {
  proxy.heal();
  if (!leavesSilentConnection(client)) proxy.disconnectAll('reset');
}

async function pauseClients(server: StoreServer, ms: number, what: 'ALL' | 'WRITE'): Promise<void> {
  await server.command('CLIENT', 'PAUSE', ms, what);
  await pause(ms);
}

function targetOf<Target>(targets: readonly Target[], fraction: number): Target {
  const target = targets[Math.floor(fraction * targets.length)];
  if (target === undefined) throw new Error('There is no target for a fault.');
  return target;
}
