// The faults that were drawn, done to the processes, the ways and the server of a run.
import { setTimeout as pause } from 'node:timers/promises';
import type { FaultProxy } from '@onceguard/testing';
import type { ClientName } from './call-plan.js';
import { leavesSilentConnection } from './client-stores.js';
import type { Fault } from './fault-schedule.js';
import type { HistoryWriter } from './history.js';
import type { OwnerProcess } from './owner-process.js';
import type { StoreServer } from './store-server.js';

/** Of one client of one owner, to the server. */
export interface ClientProxy {
  readonly client: ClientName;
  readonly proxy: FaultProxy;
}

export interface ChaosEnvironment {
  readonly server: StoreServer;
  readonly clientProxies: readonly ClientProxy[];
  readonly owners: readonly OwnerProcess[];
  readonly history: HistoryWriter;
  /** When the run began, on the clock of the machine. */
  readonly startedAt: number;
}

/** On the way there and on the way back. */
const delayMs = 120;

/** Does what was drawn, each lane in order; resolves when all faults are over and healed. */
export async function injectFaults(drawn: readonly Fault[], world: ChaosEnvironment): Promise<void> {
  const lanes = new Set(drawn.map(({ lane }) => lane));
  await Promise.all(
    [...lanes].map(
      async (lane) =>
        await injectLane(
          drawn.filter((fault) => fault.lane === lane),
          world,
        ),
    ),
  );
  for (const way of world.clientProxies) heal(way);
}

async function injectLane(faults: readonly Fault[], world: ChaosEnvironment): Promise<void> {
  for (const fault of faults) {
    const earlyMs = world.startedAt + fault.atMs - Date.now();
    if (earlyMs > 0) await pause(earlyMs);
    world.history.write({ kind: 'injected', fault: fault.kind });
    await inject(fault, world);
  }
}

async function inject(
  { kind, durationMs, target }: Fault,
  { server, clientProxies, owners }: ChaosEnvironment,
): Promise<void> {
  const way = targetOf(clientProxies, target);
  const { proxy } = way;
  const owner = targetOf(owners, target);
  switch (kind) {
    case 'lose_reply':
    case 'lose_reply_reset':
    case 'lose_request':
    case 'half_close':
      // Not waited for: the next call on that way suffers it, whenever it comes.
      return void proxy.injectFault(kind, /evalsha/i);
    case 'cut':
      return proxy.disconnectAll('fin');
    case 'reset':
      return proxy.disconnectAll('reset');
    case 'delay':
      proxy.setDelay(delayMs);
      return await healAfter(durationMs, way);
    case 'black_hole':
      proxy.blackHole();
      return await healAfter(durationMs, way);
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

async function healAfter(ms: number, way: ClientProxy): Promise<void> {
  await pause(ms);
  heal(way);
}

/**
 * What a black hole has swallowed stays lost, and a client that does not leave a silent connection by itself would wait
 * until the kernel gives it up, a quarter of an hour later. Here it is given up now.
 */
function heal({ client, proxy }: ClientProxy): void {
  proxy.heal();
  if (!leavesSilentConnection(client)) proxy.disconnectAll('reset');
}

async function pauseClients(server: StoreServer, ms: number, what: 'ALL' | 'WRITE'): Promise<void> {
  await server.command('CLIENT', 'PAUSE', ms, what);
  await pause(ms);
}

function targetOf<Target>(targets: readonly Target[], target: number): Target {
  const found = targets[Math.floor(target * targets.length)];
  if (found === undefined) throw new Error('There is nothing to do a fault to.');
  return found;
}
