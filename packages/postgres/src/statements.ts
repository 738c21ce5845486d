// Every statement of the store, made once for its tables. Each one returns rows.
import { recordColumns } from '@onceguard/core/sql';
import { columnTypes, type RecordColumn, type TableNames } from './schema.js';

/** Once per statement. `now()` would be the start of the transaction. */
export const clock = '(floor(extract(epoch from clock_timestamp()) * 1000))::bigint';
const clockSource = `(SELECT ${clock} AS now) AS c`;

export const dueStepMs = 3_600_000;
const due = (at: string) => `((${at} + ${dueStepMs - 1}) / ${dueStepMs}) * ${dueStepMs}`;

/** A record is deleted this long after its end. Until then its fencing token refuses messages of earlier owners. */
const deletionGraceMs = 60_000;

/** The lock of purges that run by timer. It ends with the statement. */
const housekeepingLock = 7_021_000_002;

/** Fails where the statement waited for a lock until `notBefore` had passed, so that nothing is written: see `isConflict`. */
const inTime = (before: string) => `1 / (${clock} < ${before})::int AS in_time`;

/** Times of a first attempt, which the store counts from its clock. */
const relativeTimes: ReadonlySet<RecordColumn> = new Set([
  'lease_end_at',
  'first_acquired_at',
  'acquired_at',
  'expires_at',
]);

const columnList = recordColumns.join(', ');

export type Statements = ReturnType<typeof createStatements>;

/** Whether the transaction is open in which `claim` has claimed the key `$1`: not after a COMMIT or ROLLBACK. */
const isClaimed = "coalesce(current_setting('onceguard.claimed', true), '') = $1::text";
const claimedClockSource = `(SELECT ${clock} AS now WHERE ${isClaimed}) AS c`;

/** Fails where nothing was written, so that a COMMIT right behind it rolls back: `notWritten` says why. */
const assertSwapped = `SELECT CASE WHEN ${isClaimed} THEN 1 / count(*)::int ELSE sqrt((-1 - count(*))::float8) END FROM swapped`;

/** What writes a record within a transaction of the application does so only in the one that claimed its key. */
export function createTransactionStatements(names: TableNames): Statements {
  return {
    ...createStatements(names),
    ...swapStatements(names.records, names.steps, claimedClockSource, assertSwapped),
  };
}

export function createStatements({ records, steps, outbox }: TableNames) {
  return {
    ...acquireStatements(records),
    ...ownerStatements(records, steps),
    ...swapStatements(records, steps, clockSource),
    ...readStatements(records, steps),
    purge: purgeStatement(records, steps),
    ...transactionStatements(outbox),
  };
}

const shown = ['version', 'life', ...recordColumns].map((name) => `r.${name}`).join(', ');
/** `$2` and so on: the values of `encodeRecordRow`. */
const parameter = (name: RecordColumn) => `$${recordColumns.indexOf(name) + 2}::${columnTypes[name]}`;
const nextParameter = (offset: number) => `$${recordColumns.length + 2 + offset}`;

function acquireStatements(records: string) {
  const [before, dueMs] = [`${nextParameter(0)}::bigint`, `${nextParameter(1)}::bigint`];
  const value = (name: RecordColumn): string => {
    if (name === 'fencing_token') return `greatest(c.now, ${parameter(name)})`;
    return relativeTimes.has(name) ? `c.now + ${parameter(name)}` : parameter(name);
  };
  return {
    /**
     * Starts the first attempt of a key that is absent, and reads the record otherwise. Neither: somebody created it meanwhile, or it is
     * too late. `$1` key, the record with times from 0 and its least fencing token, then `before`, and how long until purge looks.
     */
    begin: `WITH c AS MATERIALIZED (SELECT ${clock} AS now, pg_is_in_recovery()::int AS is_replica),
      started AS (
        INSERT INTO ${records} AS r (key, version, due_at, ${columnList})
        SELECT $1::text, 1, ${due(`c.now + ${dueMs}`)}, ${recordColumns.map(value).join(', ')}
        FROM c WHERE c.now < ${before} AND NOT EXISTS (SELECT 1 FROM ${records} AS known WHERE known.key = $1::text)
        ON CONFLICT (key) DO NOTHING
        RETURNING r.fencing_token, ${inTime(before)})
      SELECT c.now, c.is_replica, started.fencing_token AS started_token, ${shown}
      FROM c LEFT JOIN started ON true LEFT JOIN ${records} AS r ON r.key = $1::text`,

    /**
     * An acquisition that is sent again: the same attempt, under a lease from now. Many may arrive at once, so it compares no version.
     * `$1` key, `$2` owner token, `$3` leaseMs, `$4` how long the record outlives the lease if it is guarded, `$5` if not, `$6` before,
     * `$7` fingerprint.
     */
    resend: `UPDATE ${records} AS r SET version = r.version + 1, ${extendLease('$3', '$4', '$5')}
      FROM ${clockSource} WHERE r.key = $1::text AND r.owner_token = $2::text AND r.state = 'in_progress'
        AND r.expires_at > c.now AND c.now < $6::bigint
        AND (r.fingerprint = $7::text OR r.fingerprint IS NULL OR $7::text IS NULL)
      RETURNING c.now, ${inTime('$6::bigint')}, ${shown}`,
  };
}

function extendLease(leaseMs: string, guardedMs: string, otherMs: string): string {
  const leaseEndAt = `greatest(r.lease_end_at, c.now + ${leaseMs}::bigint)`;
  const retentionMs = `CASE WHEN r.flags & 4 <> 0 THEN ${guardedMs}::bigint ELSE ${otherMs}::bigint END`;
  return `lease_ms = CASE WHEN c.now + ${leaseMs}::bigint > r.lease_end_at THEN ${leaseMs}::bigint ELSE r.lease_ms END,
        lease_end_at = ${leaseEndAt}, expires_at = greatest(r.expires_at, ${leaseEndAt} + ${retentionMs})`;
}

/** What an owner does who holds the lease. `$1` key, `$2` owner token, `$3` fencing token. No row: look, and ask the protocol. */
function ownerStatements(records: string, steps: string) {
  const owned = `r.key = $1::text AND r.owner_token = $2::text AND r.fencing_token = $3::bigint AND r.state = 'in_progress'
        AND r.expires_at > c.now`;
  return {
    /** `$4` leaseMs, `$5` how long the record outlives the lease if it is guarded, `$6` if not. */
    renew: `UPDATE ${records} AS r SET version = r.version + 1, ${extendLease('$4', '$5', '$6')}
      FROM ${clockSource} WHERE ${owned} RETURNING c.now, r.lease_end_at`,

    /** `$4` outcome, `$5` outcomeTtlMs, `$6` note, `$7` recordTtlMs. A recovery never shortens the lifetime of a record. */
    complete: `WITH done AS (
        UPDATE ${records} AS r SET version = r.version + 1, life = NULL, state = 'completed', lease_end_at = 0, lease_ms = 0,
          note = $6::text, retry_at = NULL, completed_at = c.now, outcome = $4::bytea,
          expires_at = CASE WHEN r.flags & 2 <> 0 THEN greatest(r.expires_at, c.now + $7::bigint) ELSE c.now + $7::bigint END,
          outcome_end_at = CASE WHEN $4::bytea IS NULL THEN 0 ELSE c.now + $5::bigint END,
          due_at = ${due('c.now + CASE WHEN $4::bytea IS NULL THEN $7::bigint ELSE $5::bigint END')}
        FROM ${clockSource} WHERE ${owned} RETURNING c.now, r.key),
      dropped AS (DELETE FROM ${steps} AS s USING done WHERE s.record = done.key)
      SELECT now FROM done`,

    /**
     * Every change of the steps raises the version, so that a swap finds out. The first bytes of a `seq` stay. `$4` step, `$5` seq,
     * `$6` bytes.
     */
    checkpoint: `WITH own AS (
        UPDATE ${records} AS r SET version = r.version + 1, life = coalesce(r.life, gen_random_uuid())
        FROM ${clockSource} WHERE ${owned} RETURNING c.now, r.life),
      kept AS (
        INSERT INTO ${steps} AS s (record, life, step, seq, bytes)
        SELECT $1::text, own.life, $4::text, $5::bigint, $6::bytea FROM own
        ON CONFLICT (record, life, step) DO UPDATE SET seq = excluded.seq, bytes = excluded.bytes WHERE excluded.seq > s.seq)
      SELECT now FROM own`,
  };
}

/** `$1` key, the record, then `before` and `due_at`; an update also gets the version, owner token and fencing token that were seen. */
function swapStatements(records: string, steps: string, source: string, assertion: string | null = null) {
  const [before, dueAt, version, fencingToken] = [0, 1, 2, 4].map((offset) => `${nextParameter(offset)}::bigint`) as [
    string,
    string,
    string,
    string,
  ];
  const update = (
    life: string,
  ) => `UPDATE ${records} AS r SET version = r.version + 1, life = ${life}, due_at = ${dueAt},
          ${recordColumns.map((name) => `${name} = ${parameter(name)}`).join(', ')}
        FROM ${source} WHERE r.key = $1::text AND c.now < ${before} AND r.version = ${version}
          AND r.owner_token = ${nextParameter(3)}::text AND r.fencing_token = ${fencingToken}
        RETURNING r.key, ${inTime(before)}`;
  const asserted = (write: string) => (assertion === null ? write : `WITH swapped AS (${write}) ${assertion}`);
  const withDeletion = (life: string, condition: string) => `WITH swapped AS (${update(life)}),
      dropped AS (DELETE FROM ${steps} AS s USING swapped WHERE s.record = swapped.key${condition})
      ${assertion ?? 'SELECT key FROM swapped'}`;
  return {
    insert: asserted(`INSERT INTO ${records} AS r (key, version, due_at, ${columnList})
      SELECT $1::text, 1, ${dueAt}, ${recordColumns.map(parameter).join(', ')}
      FROM ${source} WHERE c.now < ${before} ON CONFLICT (key) DO NOTHING RETURNING r.key, ${inTime(before)}`),
    update: asserted(update('r.life')),
    /** The record begins a new life, or ends: no step counts any more. */
    updateDroppingSteps: withDeletion('NULL', ''),
    /** One statement, because the next attempt may begin at once and record intents of its own. */
    updateDroppingIntents: withDeletion('r.life', ' AND s.seq % 2 = 1'),
  };
}

function readStatements(records: string, steps: string) {
  return {
    /** `$1` key. */
    look: `SELECT c.now, c.is_replica, ${shown}
      FROM (SELECT ${clock} AS now, pg_is_in_recovery()::int AS is_replica) AS c LEFT JOIN ${records} AS r ON r.key = $1::text`,

    /** `$1` keys with commas between them: drivers differ in arrays. */
    steps: `SELECT record, life, step, seq, bytes FROM ${steps}
      WHERE record = ANY (string_to_array($1::text, ',')) ORDER BY record, seq, step`,

    /** `$1` the last key of the page before, `$2` limit. */
    page: `SELECT c.now, c.is_replica, r.key, ${shown}
      FROM (SELECT ${clock} AS now, pg_is_in_recovery()::int AS is_replica) AS c
      LEFT JOIN LATERAL (SELECT * FROM ${records} AS t WHERE t.key > $1::text ORDER BY t.key LIMIT $2::int) AS r ON true
      ORDER BY r.key`,

    /** The same of the records that may be in doubt: by the index of each of the two conditions. */
    doubtPage: `SELECT c.now, c.is_replica, r.key, ${shown}
      FROM (SELECT ${clock} AS now, pg_is_in_recovery()::int AS is_replica) AS c
      LEFT JOIN LATERAL (
        SELECT t.* FROM (
          SELECT d.key FROM ${records} AS d WHERE d.awaits_decision AND d.key > $1::text
          UNION SELECT s.record FROM ${steps} AS s WHERE s.seq % 2 = 1 AND s.record > $1::text
        ) AS listed JOIN ${records} AS t ON t.key = listed.key ORDER BY t.key LIMIT $2::int
      ) AS r ON true
      ORDER BY r.key`,
  };
}

/** `$1` how many records at most, `$2` 1 for nothing where another purge by timer is at work. */
function purgeStatement(records: string, steps: string): string {
  const nextDue =
    'CASE WHEN r.outcome IS NOT NULL AND r.outcome_end_at > c.now THEN least(r.outcome_end_at, r.expires_at) ELSE r.expires_at END';
  const isOver = `r.expires_at <= c.now - ${deletionGraceMs}`;
  return `WITH c AS MATERIALIZED (
        SELECT ${clock} AS now, $2::int = 0 OR pg_try_advisory_xact_lock(${housekeepingLock}) AS may_run),
      overdue AS MATERIALIZED (
        SELECT t.key FROM ${records} AS t, c WHERE c.may_run AND t.due_at <= c.now
        ORDER BY t.due_at LIMIT $1::int FOR UPDATE OF t SKIP LOCKED),
      deleted AS (DELETE FROM ${records} AS r USING overdue, c WHERE r.key = overdue.key AND ${isOver} RETURNING r.key),
      dropped AS (DELETE FROM ${steps} AS s USING deleted WHERE s.record = deleted.key),
      kept AS (
        UPDATE ${records} AS r SET outcome = CASE WHEN r.outcome_end_at <= c.now THEN NULL ELSE r.outcome END,
          due_at = greatest(${due(nextDue)}, ${due('c.now')})
        FROM overdue, c WHERE r.key = overdue.key AND NOT (${isOver}) RETURNING 1)
      SELECT (SELECT count(*) FROM deleted)::int AS deleted, (SELECT count(*) FROM kept)::int AS kept`;
}

/** A transaction that gets no statement for so long belongs to a process that has vanished: the server ends it. */
const maxIdleMs = 60_000;

/** The limit that the connection has, if it has a shorter one than this. */
const shorterLimit = (setting: string, ms: string) => {
  const own = `current_setting('${setting}')::interval`;
  const isLonger = `${own} = interval '0' OR ${own} > ${ms} * interval '1 millisecond'`;
  return `set_config('${setting}', CASE WHEN ${isLonger} THEN ${ms}::text ELSE current_setting('${setting}') END, true)`;
};

function transactionStatements(outbox: string) {
  return {
    /**
     * `$1` the lock of the key, `$2` the longest statement in milliseconds, `$3` the key. The record is read by a statement of its own: in the same one
     * the picture would be older than the lock.
     */
    claim: `SELECT pg_try_advisory_xact_lock($1::bigint) AS is_alone,
      ${shorterLimit('idle_in_transaction_session_timeout', `${maxIdleMs}`)},
      ${shorterLimit('statement_timeout', '$2::bigint')}, set_config('onceguard.claimed', $3::text, true)`,

    /** `$1` the lock of the key. Outside of a transaction it ends with the statement. */
    tryLock: 'SELECT pg_try_advisory_xact_lock($1::bigint) AS is_alone',

    /** `$1` the lock of the ordering key. Transactions with the same one wait, so that the order of `seq` is that of the commits. */
    lockOrder: 'SELECT pg_advisory_xact_lock($1::bigint) IS NULL AS is_locked',

    /** `$1` id, `$2` record, `$3` topic, `$4` ordering key, `$5` payload. */
    enqueue: `INSERT INTO ${outbox} (id, record, topic, ordering_key, payload, enqueued_at, due_at)
      SELECT $1::uuid, $2::text, $3::text, $4::text, $5::bytea, c.now, c.now FROM ${clockSource} RETURNING seq`,
  };
}
