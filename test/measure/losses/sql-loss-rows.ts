// The rows of the table of losses of PostgreSQL: a server that is killed under load, and failovers to a replica.
import { Client } from 'pg';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.js';
import { type PaymentMode, type SqlLosses, SqlPayments } from './sql-payments.js';

export interface SqlLossRow {
  readonly mode: PaymentMode;
  readonly setting: string;
  readonly fault: string;
  /** Makes about this many payments before the fault. */
  measure(count: number): Promise<SqlLosses>;
}

const modes: readonly PaymentMode[] = ['lease', 'transaction'];

/** How long payments go on after the replica was lost. */
const afterLossMs = 2_500;
const never = new AbortController().signal;

const onKill = 'kill -9 under load, restart';
const onFailover = 'failover under load';
const onLateFailover = 'the replica is lost, then failover to it';
const synchronous = { synchronous_standby_names: '*' };

export const sqlLossRows: readonly SqlLossRow[] = modes.flatMap((mode) => [
  { mode, setting: 'the default', fault: onKill, measure: (count) => measureKill(mode, count, {}) },
  {
    ...{ mode, setting: 'synchronous_commit = off', fault: onKill },
    measure: (count) => measureKill(mode, count, { synchronous_commit: 'off', wal_writer_delay: '10s' }),
  },
  { mode, setting: 'a replica', fault: onFailover, measure: (count) => measureFailover(mode, count, {}) },
  {
    ...{ mode, setting: 'synchronous_standby_names', fault: onFailover },
    measure: (count) => measureFailover(mode, count, synchronous),
  },
  { mode, setting: 'a replica', fault: onLateFailover, measure: (count) => measureLateFailover(mode, count, {}) },
  {
    ...{ mode, setting: 'synchronous_standby_names', fault: onLateFailover },
    measure: (count) => measureLateFailover(mode, count, synchronous),
  },
]);

type Settings = Readonly<Record<string, string>>;

async function measureKill(mode: PaymentMode, count: number, settings: Settings): Promise<SqlLosses> {
  const server = await startPostgres({ settings });
  return await withPayments(mode, server, [server], async (payments) => {
    await killUnderLoad(payments, server, count);
    await server.restart();
    return await payments.losses(server.url);
  });
}

async function measureFailover(mode: PaymentMode, count: number, settings: Settings): Promise<SqlLosses> {
  const [primary, standby] = await startPair(settings);
  return await withPayments(mode, primary, [standby, primary], async (payments) => {
    await killUnderLoad(payments, primary, count);
    await standby.promote();
    return await payments.losses(standby.url);
  });
}

/** The replica has the first half of the payments. */
async function measureLateFailover(mode: PaymentMode, count: number, settings: Settings): Promise<SqlLosses> {
  const [primary, standby] = await startPair(settings);
  return await withPayments(mode, primary, [standby, primary], async (payments) => {
    await payments.make(count / 2, never);
    await standby.kill();
    await payments.make(count / 2, AbortSignal.timeout(afterLossMs));
    await primary.kill();
    await standby.restart();
    await standby.promote();
    return await payments.losses(standby.url);
  });
}

async function startPair(settings: Settings): Promise<[PostgresServer, PostgresServer]> {
  // The replica itself waits for none.
  const primary = await startPostgres();
  const standby = await startPostgres({ standbyOf: primary });
  const changes = Object.entries(settings).map(([name, value]) => `ALTER SYSTEM SET ${name} = '${value}'`);
  for (const statement of [...changes, 'SELECT pg_reload_conf()']) await runOn(primary, statement);
  return [primary, standby];
}

async function runOn({ url }: PostgresServer, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  // The statement rejects then.
  client.on('error', () => {});
  await client.connect();
  await client.query(statement);
  await client.end();
}

/** While payments go on. */
async function killUnderLoad(payments: SqlPayments, server: PostgresServer, count: number): Promise<void> {
  await payments.make(count, never);
  const end = new AbortController();
  const going = payments.make(Number.POSITIVE_INFINITY, end.signal);
  const wanted = payments.acknowledged + count / 10;
  while (payments.acknowledged < wanted) await new Promise((resolve) => setImmediate(resolve));
  await server.kill();
  end.abort();
  await going;
}

async function withPayments(
  mode: PaymentMode,
  server: PostgresServer,
  servers: readonly PostgresServer[],
  measure: (payments: SqlPayments) => Promise<SqlLosses>,
): Promise<SqlLosses> {
  const payments = new SqlPayments(mode, server.url);
  try {
    await payments.prepare();
    return await measure(payments);
  } finally {
    await payments.close();
    for (const one of servers) await one.stop();
  }
}
