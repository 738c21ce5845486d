// How large the tables become while records are made and purged: hours of a clock that this run moves, with autovacuum.
import { PostgresStore } from '@onceguard/postgres';
import { Pool } from 'pg';
import { createShiftedClock } from '../../test/faults/shifted-clock.js';
import { findPostgres } from '../../test/support/postgres-programs.js';
import { startPostgres } from '../../test/support/postgres-server.js';
import { callsOf, sizeOfTables } from './contenders.js';

const hours = 50;
/** As long as `callsOf` keeps a record. */
const hoursKept = 24;
const wantedRecords = 1_000_000;
const atOnce = 32;
const hourSeconds = 3_600;

export interface BloatPoint {
  readonly hour: number;
  readonly live: number;
  readonly tableBytes: number;
  readonly indexBytes: number;
  readonly deadRows: number;
}

export interface BloatResult {
  readonly records: number;
  readonly hours: number;
  readonly hoursKept: number;
  readonly deleted: number;
  readonly points: readonly BloatPoint[];
}

/** A million records, or as many as are made within so many minutes. The last ones expire while nothing is made. */
export async function bloatRun(minutes: number, log: (line: string) => void): Promise<BloatResult> {
  const clock = createShiftedClock();
  if (clock === null) throw new Error('The clock of the server is moved by a library that needs a C compiler (cc).');
  const programs = findPostgres();
  const environment = (directory: string) => ({ ...programs.environment(directory), ...clock.environment });
  // Whether a commit is flushed does not change what the tables look like.
  const settings = { synchronous_commit: 'off', autovacuum_naptime: '1s', max_wal_size: '4GB' };
  const server = await startPostgres({ programs: { ...programs, environment }, settings });
  const pool = new Pool({ connectionString: server.url, max: atOnce });
  try {
    return await new BloatRun(pool, clock.shift, minutes).run(log);
  } finally {
    await pool.end();
    await server.stop();
    clock.remove();
  }
}

class BloatRun {
  readonly #store: PostgresStore;
  readonly #points: BloatPoint[] = [];
  #records = 0;
  #deleted = 0;

  constructor(
    private readonly pool: Pool,
    private readonly shift: (seconds: number) => void,
    private readonly minutes: number,
  ) {
    this.#store = new PostgresStore({ client: pool, callTimeoutMs: 30_000 });
  }

  async run(log: (line: string) => void): Promise<BloatResult> {
    await this.#store.migrate();
    const { fresh } = await callsOf(this.#store);
    const msOfAnHour = (this.minutes * 60_000) / hours;
    for (let hour = 1; hour <= hours; hour += 1) {
      await this.#make(fresh, Math.ceil(wantedRecords / hours), performance.now() + msOfAnHour);
      this.shift(hour * hourSeconds);
      await this.#purge();
      if (hour % 5 === 0) await this.#note(hour, log);
    }
    return { records: this.#records, hours, hoursKept, deleted: this.#deleted, points: this.#points };
  }

  async #make(fresh: () => Promise<void>, count: number, endsAt: number): Promise<void> {
    let left = count;
    const lane = async () => {
      while (left > 0 && performance.now() < endsAt) {
        left -= 1;
        await fresh();
        this.#records += 1;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
  }

  async #purge(): Promise<void> {
    for (let batch = 1_000; batch === 1_000; ) {
      const { deleted, kept } = await this.#store.purge(1_000);
      this.#deleted += deleted;
      batch = deleted + kept;
    }
  }

  async #note(hour: number, log: (line: string) => void): Promise<void> {
    const { records: live } = await sizeOfTables(this.pool, ['onceguard_records']);
    const { rows } = await this.pool.query(`SELECT pg_table_size(c) + pg_table_size(s) AS tables,
      pg_indexes_size(c) + pg_indexes_size(s) AS indexes, pg_stat_get_dead_tuples(c) AS dead
      FROM (SELECT 'onceguard_records'::regclass AS c, 'onceguard_steps'::regclass AS s) AS named`);
    const [tableBytes, indexBytes, deadRows] = ['tables', 'indexes', 'dead'].map((name) => Number(rows[0][name]));
    const point = { hour, live, tableBytes: tableBytes ?? 0, indexBytes: indexBytes ?? 0, deadRows: deadRows ?? 0 };
    this.#points.push(point);
    log(JSON.stringify({ ...point, records: this.#records }));
  }
}
