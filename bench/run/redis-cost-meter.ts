// What a row costs Redis: commands and microseconds, by Redis' own counters.
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** For each command, the share of its calls that clients sent; scripts made the others. */
export type Origins = ReadonlyMap<string, number>;

export interface RedisCost {
  readonly commands: number;
  readonly micros: number;
}

/** Commands of the benchmark itself. */
const ownCommands = new Set(['info', 'config', 'monitor']);

const copyBatchSize = 5_000;

/** ARGV: the first and the last number, the format of a number in a name, then names and dumps in turn. */
const copyScript = `
  for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
    for at = 4, #ARGV, 2 do
      local name = string.gsub(ARGV[at], '%%s', (string.format(ARGV[3], number)))
      redis.call('RESTORE', name, 86400000, ARGV[at + 1])
    end
  end`;

export class RedisCostMeter {
  readonly #servers: readonly Redis[];

  /** One server, or all masters of a cluster. */
  constructor(urls: readonly string[]) {
    this.#servers = urls.map((url) => new Redis(url));
  }

  async resetCounters(): Promise<void> {
    await Promise.all(this.#servers.map(async (server) => await server.config('RESETSTAT')));
  }

  async version(): Promise<string> {
    const [info = ''] = await this.#info('server');
    return /(?:valkey|redis)_version:(\S+)/.exec(info)?.[1] ?? 'unknown';
  }

  async flush(): Promise<void> {
    await Promise.all(this.#servers.map(async (server) => await server.flushall()));
  }

  /** The bytes of the stored data and its hash tables, without those of connections and of the server itself. */
  async storedBytes(): Promise<number> {
    const stats = await Promise.all(this.#servers.map(async (server) => await server.call('MEMORY', 'STATS')));
    return stats.map(storedIn).reduce((sum, bytes) => sum + bytes, 0);
  }

  /**
   * The commands since the counters were reset, and their time. Redis counts what a script calls twice, under its own
   * name and in the script's time; `origins` separates the two.
   */
  async cost(origins: Origins): Promise<RedisCost> {
    const stats = (await this.#info('commandstats')).flatMap(commandsIn);
    const cost = { commands: 0, micros: 0 };
    for (const { command, calls, micros } of stats) {
      const sentShare = ownCommands.has(command) ? 0 : (origins.get(command) ?? 1);
      cost.commands += calls * sentShare;
      cost.micros += micros * sentShare;
    }
    return cost;
  }

  /** Monitors the commands that arrive while `work` runs. */
  async originsDuring(work: () => Promise<unknown>): Promise<Origins> {
    const counts = new Map<string, { sent: number; all: number }>();
    const monitors = await Promise.all(this.#servers.map(async (server) => await server.monitor()));
    for (const monitor of monitors) {
      monitor.on('monitor', (_time: string, args: string[], source: string) => {
        const name = String(args[0]).toLowerCase();
        const count = counts.get(name) ?? { sent: 0, all: 0 };
        counts.set(name, { sent: count.sent + (source === 'lua' ? 0 : 1), all: count.all + 1 });
      });
    }
    await work();
    // MONITOR reports a command a moment after it was served.
    await pause(50);
    for (const monitor of monitors) monitor.disconnect();
    return new Map([...counts].map(([name, { sent, all }]) => [name, sent / all]));
  }

  close(): void {
    for (const server of this.#servers) server.disconnect();
  }

  /** Makes `count` copies of the one stored record, under names of the same length. For a single server. */
  async copyRecord(count: number): Promise<void> {
    const [server] = this.#servers;
    if (server === undefined) return;
    const names = await server.keys('*');
    const digest = /\{(.+?)\}|([^:]+)$/.exec(names[0] ?? '');
    const part = digest?.[1] ?? digest?.[2] ?? '';
    const dumps = await Promise.all(names.map(async (name) => await server.dumpBuffer(name)));
    const templates = names.flatMap((name, at) => [name.replace(part, '%s'), dumps[at] ?? '']);
    for (let first = 1; first <= count; first += copyBatchSize) {
      const last = Math.min(count, first + copyBatchSize - 1);
      await server.eval(copyScript, 0, first, last, `%0${part.length}d`, ...templates);
    }
  }

  async #info(section: string): Promise<string[]> {
    return await Promise.all(this.#servers.map(async (server) => await server.info(section)));
  }
}

/** From `INFO commandstats`; a subcommand counts as its command. */
function commandsIn(info: string) {
  const lines = info.matchAll(/^cmdstat_([^|:]+)\S*:calls=(\d+),usec=(\d+)/gm);
  return [...lines].map(([, command = '', calls, usec]) => ({ command, calls: Number(calls), micros: Number(usec) }));
}

/** From `MEMORY STATS`: names and values in turn, and for each database such a list again. */
function storedIn(stats: unknown): number {
  const values = pairsIn(stats);
  const tables = [...values].filter(([name]) => name.startsWith('db.')).flatMap(([, of]) => [...pairsIn(of).values()]);
  return [values.get('dataset.bytes'), ...tables].map(Number).reduce((sum, bytes) => sum + bytes, 0);
}

function pairsIn(list: unknown): Map<string, unknown> {
  const items: unknown[] = Array.isArray(list) ? list : [];
  return new Map(
    items.flatMap((name, at): [string, unknown][] => (at % 2 === 0 ? [[String(name), items[at + 1]]] : [])),
  );
}
