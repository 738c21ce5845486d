// The Redis server of a run. It can be frozen, restarted with or without its data, and replaced by a replica.
import { setTimeout as pause } from 'node:timers/promises';
import { type FaultProxy, type RedisServer, startFaultProxy, startRedis } from '@onceguard/testing';
import type { HistoryWriter } from './history.js';

/**
 * An acknowledged write has been passed to the operating system, so it survives the end of the process. With `everysec` it would not
 * always: if the disk is slow, Redis acknowledges writes up to two seconds before it passes them on.
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

  /** Kills the server, and restarts it with everything that it had acknowledged. */
  async restartAfter(ms: number): Promise<void> {
    await this.server.kill();
    await pause(ms);
    await this.server.restart();
    await untilInfoShows(this.server, dataLoaded);
  }

  /** Kills the server, and restarts it without its data. */
  async restartEmptyAfter(ms: number): Promise<void> {
    await this.server.kill();
    this.history.write({ kind: 'data_lost', why: 'the server was killed and restarted empty' });
    await pause(ms);
    await this.server.restart({ discardData: true });
  }

  /**
   * Replaces the server by a replica that misses the writes of the last `ms` milliseconds. The old server ends first, so that the two never
   * reply at the same time.
   */
  async failOverAfter(ms: number, proxies: readonly FaultProxy[]): Promise<void> {
    const before = this.server;
    const link = await startFaultProxy(before.url);
    const replica = await startRedis({ args: durable });
    await replica.command('REPLICAOF', '127.0.0.1', link.port);
    await untilInfoShows(replica, replicaInSync);
    link.blackHole();
    await pause(ms);
    await before.kill();
    this.history.write({
      kind: 'data_lost',
      why: `a replica took over without the writes of the last ${ms} ms`,
    });
    await replica.command('REPLICAOF', 'NO', 'ONE');
    this.server = replica;
    for (const proxy of proxies) proxy.retarget(replica.url);
    await before.stop();
    await link.close();
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

/** The replica has all data, and has rewritten its append-only file, as it does after a full synchronization. */
const replicaInSync = ['master_link_status:up', 'aof_rewrite_in_progress:0', 'aof_rewrite_scheduled:0'];

const dataLoaded = ['loading:0'];

async function untilInfoShows(server: RedisServer, signs: readonly string[]): Promise<void> {
  const endsAt = performance.now() + infoLimitMs;
  for (;;) {
    const lines = String(await server.command('INFO')).split('\r\n');
    if (signs.every((sign) => lines.includes(sign))) return;
    if (performance.now() > endsAt)
      throw new Error(`Waited ${infoLimitMs} ms for a server to report ${signs.join(', ')}.`);
    await pause(20);
  }
}
