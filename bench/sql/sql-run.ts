// The cost of the stores on SQL, beside what one would write by hand: rounds of all, one after the other, so that noise meets all.
import { loadavg } from 'node:os';
import { Pool } from 'pg';
import { startPostgres } from '../../test/support/postgres-server.js';
import { quantile } from '../report/statistics.js';
import { bareStatements, type Contender, countRoundTrips, postgresCalls } from './contenders.js';
import { sqliteCalls } from './sqlite-contender.js';
import { payments } from './transaction-contenders.js';

const atOnce = 16;
export const sqlRounds = 7;

/** What is sent: fresh or repeated keys, alone or several at once. */
export interface SqlLoad {
  readonly name: string;
  readonly isFresh: boolean;
  readonly lanes: number;
  readonly calls: number;
}

export const sqlLoads: readonly SqlLoad[] = [
  { name: 'fresh, alone', isFresh: true, lanes: 1, calls: 160 },
  { name: `fresh, ${atOnce} at once`, isFresh: true, lanes: atOnce, calls: 480 },
  { name: 'replay, alone', isFresh: false, lanes: 1, calls: 480 },
  { name: `replay, ${atOnce} at once`, isFresh: false, lanes: atOnce, calls: 960 },
];

/** One round of one load on one contender. Costs are for each call. */
export interface SqlSlice {
  readonly row: string;
  readonly load: string;
  readonly round: number;
  readonly perSecond: number;
  /** Of this process: the application, the driver, and for SQLite the database too. */
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What noise cannot touch. Null: it has none. */
export interface SqlWeight {
  readonly row: string;
  readonly reference: string | null;
  readonly freshRoundTrips: number | null;
  readonly replayRoundTrips: number | null;
  readonly walBytes: number | null;
  readonly recordBytes: number | null;
}

export interface SqlRunResult {
  readonly postgres: string;
  /** The load average when the run began: above 0, the machine had other work to do. */
  readonly loadBefore: number;
  readonly slices: readonly SqlSlice[];
  readonly weights: readonly SqlWeight[];
}

export async function sqlRun(log: (line: string) => void): Promise<SqlRunResult> {
  const loadBefore = Math.round((loadavg()[0] ?? 0) * 10) / 10;
  const server = await startPostgres();
  const trips = { count: 0 };
  const openPool = () => {
    const pool = new Pool({ connectionString: server.url, max: atOnce });
    countRoundTrips(pool, trips);
    return pool;
  };
  const [store, application] = [openPool(), openPool()];
  const sqlite = await sqliteCalls('SqliteStore');
  try {
    const contenders = [
      await bareStatements(store),
      await postgresCalls('PostgresStore', store, 'onceguard', true),
      await postgresCalls('PostgresStore, `prepare: false`', store, 'unprepared', false),
      ...(await payments({ application, store })),
      sqlite.contender,
    ];
    const slices = await measureRounds(contenders, log);
    const { rows } = await store.query("SELECT current_setting('server_version') AS version");
    const weights: SqlWeight[] = [];
    for (const contender of contenders) weights.push(await weigh(contender, store, trips));
    return { postgres: rows[0].version, loadBefore, slices, weights };
  } finally {
    await sqlite.close();
    await Promise.all([store.end(), application.end()]);
    await server.stop();
  }
}

/** The first round is a warm-up. */
async function measureRounds(contenders: readonly Contender[], log: (line: string) => void): Promise<SqlSlice[]> {
  const slices: SqlSlice[] = [];
  for (let round = 0; round <= sqlRounds; round += 1) {
    for (const contender of contenders)
      for (const load of sqlLoads) {
        const call = load.isFresh ? contender.fresh : contender.replay;
        if (call === null) continue;
        const figures = await measureCalls(call, load);
        if (round > 0) slices.push({ row: contender.name, load: load.name, round, ...figures });
      }
    log(`round ${round} of ${sqlRounds}`);
  }
  return slices;
}

async function measureCalls(call: () => Promise<void>, { calls, lanes }: SqlLoad) {
  const latencies: number[] = [];
  const lane = async () => {
    for (let n = 0; n < calls / lanes; n += 1) {
      const startedAt = performance.now();
      await call();
      latencies.push(performance.now() - startedAt);
    }
  };
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  await Promise.all(Array.from({ length: lanes }, lane));
  const { user, system } = process.cpuUsage(before);
  const perSecond = latencies.length / ((performance.now() - startedAt) / 1_000);
  const ascending = latencies.sort((a, b) => a - b);
  const [p50Ms, p99Ms] = [quantile(ascending, 0.5), quantile(ascending, 0.99)];
  return { perSecond, cpuMicros: (user + system) / latencies.length, p50Ms, p99Ms };
}

async function weigh(contender: Contender, pool: Pool, trips: { count: number }): Promise<SqlWeight> {
  const { name, reference, fresh, replay, size } = contender;
  const calls = 200;
  const tripsOf = async (call: () => Promise<void>) => {
    const before = trips.count;
    for (let n = 0; n < calls; n += 1) await call();
    return (trips.count - before) / calls;
  };
  await pool.query('CHECKPOINT');
  // The first change of a page after a checkpoint writes the page as a whole.
  for (let n = 0; n < 1_000; n += 1) await fresh();
  const position = async () => (await pool.query('SELECT pg_current_wal_insert_lsn() AS lsn')).rows[0].lsn;
  const before = await position();
  const freshRoundTrips = await tripsOf(fresh);
  const { rows } = await pool.query('SELECT pg_wal_lsn_diff($1, $2) AS bytes', [await position(), before]);
  const replayRoundTrips = replay === null ? null : await tripsOf(replay);
  const sized = size === null ? null : await size();
  const isOnServer = freshRoundTrips > 0;
  return {
    ...{ row: name, reference, freshRoundTrips, replayRoundTrips },
    walBytes: isOnServer ? Number(rows[0].bytes) / calls : null,
    recordBytes: sized === null ? null : sized.bytes / sized.records,
  };
}
