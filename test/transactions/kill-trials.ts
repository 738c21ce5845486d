// Kills processes that pay, and the database, at random moments, and compares effects, records and messages key by key.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { PostgresStore, pgTransactions } from '@onceguard/postgres';
import { Pool, type QueryResult } from 'pg';
import { Random } from '../model/seeded-random.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.js';
import { compiledProgram } from '../support/programs.js';
import { comparePayments, type Disagreements, doneRecords, type Mode } from './compare-payments.js';

const payer = await compiledProgram(new URL('./processes/payer.mjs', import.meta.url));

export interface KillOptions {
  readonly mode: Mode;
  readonly seed: number;
  /** How many processes are killed. */
  readonly processKills: number;
  /** How often the database is killed and started again. */
  readonly databaseKills: number;
  /** How many keys each process has. */
  readonly keysPerProcess: number;
}

export interface KillReport {
  readonly mode: Mode;
  readonly keys: number;
  readonly processKills: number;
  /** Kills that came after some of the process's keys were paid and before all were. */
  readonly processKillsMidway: number;
  readonly databaseKills: number;
  /** The worst that was seen after any kill. */
  readonly worst: Disagreements;
  /** After every key was paid again without a kill. */
  readonly atTheEnd: Disagreements & { readonly keysNotDone: number; readonly messagesNotPublished: number };
}

const schema = 'kills';
const processesAtOnce = 4;

interface Payer {
  readonly child: ChildProcess;
  readonly first: number;
  readonly end: number;
}

export async function runKillTrials(options: KillOptions): Promise<KillReport> {
  const server = await startPostgres({ settings: { fsync: 'on' } });
  const world = new KillWorld(server, options);
  try {
    await world.open();
    return await world.run();
  } finally {
    await world.close();
    await server.stop();
  }
}

class KillWorld {
  readonly #random: Random;
  readonly #told = new Set<string>();
  readonly #admin: Pool;
  #keys = 0;
  #processKills = 0;
  #midway = 0;
  #worst: Disagreements | null = null;

  constructor(
    private readonly server: PostgresServer,
    private readonly options: KillOptions,
  ) {
    this.#random = new Random(options.seed);
    this.#admin = this.#openPool();
  }

  async open(): Promise<void> {
    await this.#query(`CREATE SCHEMA ${schema}`);
    await new PostgresStore({ client: this.#admin, schema }).migrate();
    await this.#query(`CREATE TABLE ${schema}.payments (id bigserial PRIMARY KEY, key text NOT NULL)`);
    await this.#query(`CREATE TABLE ${schema}.accounts (id int PRIMARY KEY, payments int NOT NULL)`);
    await this.#query(`INSERT INTO ${schema}.accounts SELECT n, 0 FROM generate_series(0, 7) AS n`);
  }

  async run(): Promise<KillReport> {
    const { mode, processKills, databaseKills } = this.options;
    while (this.#processKills < processKills) {
      const round = Math.min(processesAtOnce, processKills - this.#processKills);
      await Promise.all(Array.from({ length: round }, () => this.#killProcess()));
      await this.#untilAlone();
      await this.#observe();
    }
    for (let kills = 0; kills < databaseKills; kills += 1) await this.#killDatabase();
    const worst = this.#worst ?? (await this.#compare());
    // No lease of a killed process stands any more.
    if (mode === 'lease') await pause(400);
    await this.#payAllKeys();
    return {
      mode,
      keys: this.#keys,
      processKills: this.#processKills,
      processKillsMidway: this.#midway,
      databaseKills,
      worst,
      atTheEnd: {
        ...(await this.#compare()),
        keysNotDone: await this.#countNotDone(),
        messagesNotPublished: mode === 'transaction' ? await this.#relayAll() : 0,
      },
    };
  }

  close = async (): Promise<void> => await this.#admin.end();

  /** After a random number of its payments, and a moment more. */
  async #killProcess(): Promise<void> {
    const payer = await this.#startPayer();
    await this.#untilPaid(payer, this.#random.integer(0, payer.end - payer.first - 1));
    await pause(this.#random.integer(0, 15));
    payer.child.kill('SIGKILL');
    await ended(payer.child);
    if (payer.child.signalCode === 'SIGKILL') this.#processKills += 1;
    const paid = await this.#countPaid(payer);
    if (paid > 0 && paid < payer.end - payer.first) this.#midway += 1;
  }

  async #killDatabase(): Promise<void> {
    const payer = await this.#startPayer();
    await this.#untilPaid(payer, this.#random.integer(0, payer.end - payer.first - 1));
    await this.server.kill();
    await pause(this.#random.integer(0, 200));
    await this.server.restart();
    await ended(payer.child);
    await this.#observe();
  }

  /** Until the process has said that so many keys are paid, or has ended. */
  async #untilPaid({ child, first, end }: Payer, count: number): Promise<void> {
    const hasPaid = () => {
      const told = Array.from({ length: end - first }, (_, index) => this.#told.has(String(first + index)));
      return told.filter((isTold) => isTold).length >= count;
    };
    await new Promise<void>((resolve) => {
      const check = () => {
        if (!hasPaid() && child.connected) return;
        child.off('message', check).off('disconnect', check);
        resolve();
      };
      child.on('message', check).on('disconnect', check);
      check();
    });
  }

  /** A process with keys of its own, which pays them. */
  async #startPayer(): Promise<Payer> {
    const first = this.#keys;
    const end = first + this.options.keysPerProcess;
    this.#keys = end;
    return { child: await this.#spawnPayer(first, end), first, end };
  }

  async #payAllKeys(): Promise<void> {
    await ended(await this.#spawnPayer(0, this.#keys));
  }

  async #spawnPayer(first: number, end: number): Promise<ChildProcess> {
    const args = [this.server.url, schema, this.options.mode, String(first), String(end)];
    const child = fork(payer, args, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.on('message', (message) => {
      if (typeof message === 'object' && message !== null && 'paid' in message) this.#told.add(String(message.paid));
    });
    await once(child, 'message');
    return child;
  }

  /** Until the server has noticed that its clients are gone. */
  async #untilAlone(): Promise<void> {
    const text = 'SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1';
    for (;;) {
      const { rows } = await this.#query(text, [schema]);
      if (rows[0].n === 0) return;
      await pause(10);
    }
  }

  async #observe(): Promise<void> {
    const now = await this.#compare();
    const before = this.#worst ?? now;
    const names = Object.keys(now) as (keyof Disagreements)[];
    this.#worst = Object.fromEntries(names.map((name) => [name, Math.max(before[name], now[name])])) as never;
  }

  async #compare(): Promise<Disagreements> {
    const { mode } = this.options;
    const keys = Array.from({ length: this.#keys }, (_, index) => String(index));
    return await comparePayments({ query: (text) => this.#query(text), schema, mode, keys, told: this.#told });
  }

  async #countPaid({ first, end }: Payer): Promise<number> {
    const text = `SELECT count(DISTINCT key)::int AS n FROM ${schema}.payments WHERE key::int >= $1 AND key::int < $2`;
    return (await this.#query(text, [first, end])).rows[0].n;
  }

  async #countNotDone(): Promise<number> {
    return this.#keys - (await doneRecords((text) => this.#query(text), schema)).size;
  }

  /** Publishes every message, and returns how many keys have none. */
  async #relayAll(): Promise<number> {
    const store = new PostgresStore({ client: this.#admin, schema });
    const published = new Set<string>();
    const stopping = new AbortController();
    const relay = store.relay(({ payload }) => void published.add(payload.toString()), {
      transactions: pgTransactions(this.#admin),
      signal: stopping.signal,
      onError: (error) => {
        throw error;
      },
      batchSize: 1_000,
    });
    for (let left = 1; left > 0; ) {
      left = (await this.#query(`SELECT count(*)::int AS n FROM ${schema}.onceguard_outbox`)).rows[0].n;
      await pause(20);
    }
    stopping.abort();
    await relay;
    return this.#keys - published.size;
  }

  /** Repeated where a connection died with the database. */
  async #query(text: string, values: unknown[] = []): Promise<QueryResult> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#admin.query(text, values);
      } catch (error) {
        if (tries === 20) throw error;
        await pause(50);
      }
    }
  }

  #openPool(): Pool {
    const pool = new Pool({ connectionString: this.server.url, max: 4, application_name: 'admin' });
    pool.on('error', () => {});
    return pool;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
