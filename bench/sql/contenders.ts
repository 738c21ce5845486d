// What is measured of the stores on SQL: a first execution and a replay, by the store and by hand.
import { randomUUID } from 'node:crypto';
import type { AcquireReply, AcquireRequest, IdempotencyStore, Lease } from '@onceguard/core/store';
import { idempotencyProtocol } from '@onceguard/core/store';
import { PostgresStore } from '@onceguard/postgres';
import type { Pool } from 'pg';

const dayMs = 86_400_000;
/** No call is too late, whatever clock the server has. */
const farAway = 9e14;
const terms = { recordTtlMs: dayMs, outcomeTtlMs: dayMs, unknownTtlMs: 400 * dayMs };
/** A short response with its headers. */
const outcome = Buffer.alloc(200, 'o');

export interface Contender {
  readonly name: string;
  /** The contender that its cost is divided by. Null: there is none. */
  readonly reference: string | null;
  readonly fresh: () => Promise<void>;
  /** Null: it has none. */
  readonly replay: (() => Promise<void>) | null;
  /** Bytes on disk of all its records, with their indexes, and how many they are. Null: it keeps none. */
  readonly size: (() => Promise<{ readonly bytes: number; readonly records: number }>) | null;
}

/** Two statements as one would write them by hand, prepared as those of the store are. */
export async function bareStatements(pool: Pool): Promise<Contender> {
  await pool.query(`CREATE TABLE bare (key text PRIMARY KEY, token text NOT NULL, fingerprint text, lease_end_at bigint NOT NULL,
    expires_at bigint NOT NULL, state text NOT NULL, outcome bytea)`);
  const insert = `INSERT INTO bare (key, token, fingerprint, lease_end_at, expires_at, state)
    VALUES ($1, $2, $3, $4, $5, 'in_progress') ON CONFLICT DO NOTHING RETURNING key`;
  const update =
    "UPDATE bare SET state = 'completed', outcome = $3, expires_at = $4 WHERE key = $1 AND token = $2 RETURNING key";
  const select = 'SELECT state, fingerprint, outcome, expires_at FROM bare WHERE key = $1';
  const fresh = async (key: string) => {
    const token = randomUUID();
    const now = Date.now();
    await pool.query({ name: 'bare_insert', text: insert, values: [key, token, 'v1:a', now + 30_000, now + dayMs] });
    await pool.query({ name: 'bare_update', text: update, values: [key, token, outcome, now + dayMs] });
  };
  await fresh('kept');
  return {
    name: 'two statements by hand',
    reference: null,
    fresh: () => fresh(randomUUID()),
    replay: async () => void (await pool.query({ name: 'bare_select', text: select, values: ['kept'] })),
    size: () => sizeOfTables(pool, ['bare']),
  };
}

export async function postgresCalls(name: string, pool: Pool, prefix: string, prepare: boolean): Promise<Contender> {
  const store = new PostgresStore({ client: pool, prefix, prepare, callTimeoutMs: 30_000 });
  await store.migrate();
  const size = () => sizeOfTables(pool, [`${prefix}_records`, `${prefix}_steps`]);
  return { name, reference: 'two statements by hand', ...(await callsOf(store)), size };
}

/** A first execution is `acquire` and `complete`, a replay is `acquire`. */
export async function callsOf(store: IdempotencyStore): Promise<Pick<Contender, 'fresh' | 'replay'>> {
  const fresh = async (key: string) => {
    const request = requestOf(randomUUID());
    const reply = await store.acquire(key, request);
    await store.complete(leaseOf(key, request, reply), { outcome, outcomeTtlMs: dayMs, note: '201', notAfter: 0 });
  };
  await fresh('kept');
  return {
    fresh: () => fresh(randomUUID()),
    replay: async () => void (await store.acquire('kept', requestOf(randomUUID()))),
  };
}

/** The first of the tables has a row for each record. */
export async function sizeOfTables(pool: Pool, tables: readonly string[]) {
  const sizes = tables.map((table) => pool.query('SELECT pg_total_relation_size($1) AS bytes', [table]));
  const bytes = (await Promise.all(sizes)).reduce((sum, { rows }) => sum + Number(rows[0].bytes), 0);
  const { rows } = await pool.query(`SELECT count(*) AS count FROM ${tables[0]}`);
  return { bytes, records: Number(rows[0].count) };
}

function requestOf(ownerToken: string): AcquireRequest {
  const described = { operation: 'POST /payments', label: null, traceparent: null };
  const limits = { notAfter: farAway, lastSeenFencingToken: 0, onAbandoned: 'rerun' } as const;
  return { ownerToken, fingerprint: 'v1:a', leaseMs: 30_000, ...terms, ...described, ...limits };
}

function leaseOf(key: string, request: AcquireRequest, reply: AcquireReply): Lease {
  if (reply.kind !== 'acquired') throw new Error(`acquire replied ${reply.kind}`);
  const { ownerToken, fingerprint } = request;
  return {
    key,
    ownerToken,
    fingerprint,
    ...terms,
    leaseEndAt: reply.leaseEndAt,
    ...idempotencyProtocol.attemptFacts(reply),
  };
}

/** Counts the round trips of a pool, also those of its clients. What a client sends while it pipelines and waits for a reply is no other. */
export function countRoundTrips(pool: Pool, counted: { count: number }): void {
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    let unanswered = 0;
    const onReply = () => {
      unanswered -= 1;
    };
    Object.assign(client, {
      query: (...args: unknown[]) => {
        if (!client.pipeline || unanswered === 0) counted.count += 1;
        unanswered += 1;
        const reply = query(...args);
        // A pool passes a callback, and nobody pipelines then.
        if (reply instanceof Promise) reply.then(onReply, onReply);
        else onReply();
        return reply;
      },
    });
  });
}
