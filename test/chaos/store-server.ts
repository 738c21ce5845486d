// The server that holds the records of a run, which dies, comes back, and is succeeded by a replica.
import { setTimeout as pause } from 'node:timers/promises';
import { type FaultProxy, type RedisServer, startFaultProxy, startRedis } from '@onceguard/testing';
import type { HistoryWriter } from './history.js';

/**
 * What is acknowledged has been handed to the system, and survives the end of the process. With `everysec` it would not
 * always: while the disk is slow, Redis acknowledges for up to two seconds what it has not written yet.
 */
const durable = ['--appendonly', 'yes', '--appendfsync', 'no'];

const infoLimitMs = 15_000;

export class StoreServer {
  private constructor(
    private server: RedisServer,
    private readonly history: HistoryWriter,
  ) {}

  static async start(history: HistoryWriter): Promise<StoreServer> {
    return new StoreServer(await startRedis({ args: durable }), history);
  }

  get url(): string {
    return this.server.url;
  }

  async command(...words: [string, ...(string | number)[]]): Promise<unknown> {
    return await this.server.command(...words);
  }

  async freezeFor(ms: number): Promise<void> {
    this.server.freeze();
    await pause(ms);
    this.server.thaw();
  }

  /** Killed, and back with all that it had acknowledged. */
  async restartAfter(ms: number): Promise<void> {
    await this.server.kill();
    await pause(ms);
    await this.server.restart();
    await untilInfoShows(this.server, dataLoaded);
  }

  /** Killed, and back with nothing. */
  async restartEmptyAfter(ms: number): Promise<void> {
    await this.server.kill();
    this.history.write({ kind: 'life', why: 'the server was killed and came back empty' });
    await pause(ms);
    await this.server.restart({ discardData: true });
  }

  /**
   * A replica takes over, which has not heard of what was acknowledged in the last `ms`. The one before is gone for good,
   * so that the two never answer at the same time.
   */
  async failOverAfter(ms: number, ways: readonly FaultProxy[]): Promise<void> {
    const before = this.server;
    const link = await startFaultProxy(before.url);
    const replica = await startRedis({ args: durable });
    await replica.command('REPLICAOF', '127.0.0.1', link.port);
    await untilInfoShows(replica, replicaInSync);
    link.blackHole();
    await pause(ms);
    await before.kill();
    this.history.write({
      kind: 'life',
      why: `a replica took over, without what was acknowledged in the last ${ms} ms`,
    });
    await replica.command('REPLICAOF', 'NO', 'ONE');
    this.server = replica;
    for (const way of ways) way.retarget(replica.url);
    await before.stop();
    await link.close();
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

/** A replica has everything, and on disk too, which it writes anew after it got everything. */
const replicaInSync = ['master_link_status:up', 'aof_rewrite_in_progress:0', 'aof_rewrite_scheduled:0'];

const dataLoaded = ['loading:0'];

async function untilInfoShows(server: RedisServer, signs: readonly string[]): Promise<void> {
  const endsAt = performance.now() + infoLimitMs;
  for (;;) {
    const said = String(await server.command('INFO')).split('\r\n');
    if (signs.every((sign) => said.includes(sign))) return;
    if (performance.now() > endsAt)
      throw new Error(`Waited ${infoLimitMs} ms for a server to say ${signs.join(', ')}.`);
    await pause(20);
  }
}
