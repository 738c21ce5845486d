// Payments that are made eight at a time on PostgreSQL until something fails, and what is left of them afterwards.
import { type Execution, executeIdempotently, recordName } from '@onceguard/core';
import { PostgresStore, pgTransactions } from '@onceguard/postgres';
import { Pool } from 'pg';

/** `transaction`: the payment and its record are one transaction. `lease`: the payment is one of its own. */
export type PaymentMode = 'lease' | 'transaction';

export interface SqlLosses {
  /** Payments whose caller got a result that is on record. */
  readonly acknowledged: number;
  /** Calls that failed. */
  readonly refused: number;
  /** Acknowledged payments that a repeat would make again, because their record is not there. */
  readonly runAgain: number;
  /** Keys, acknowledged or not, with a payment and no record, or with a record and no payment. */
  readonly disagree: number;
}

const lanes = 8;
const callTimeoutMs = 700;
const scope = 'losses';

export class SqlPayments {
  readonly #acknowledged = new Set<string>();
  readonly #tried: string[] = [];
  readonly #store: PostgresStore;
  readonly #pool: Pool;
  readonly #storePool: Pool;
  #refused = 0;

  /** `url`: the server that is going to fail. */
  constructor(
    private readonly mode: PaymentMode,
    url: string,
  ) {
    [this.#pool, this.#storePool] = [openPool(url), openPool(url)];
    this.#store = new PostgresStore({ client: this.#storePool, callTimeoutMs });
  }

  async prepare(): Promise<void> {
    await this.#store.migrate();
    await this.#pool.query('CREATE TABLE payments (key text NOT NULL)');
  }

  /** Until so many are acknowledged, or until the signal. Every failure counts, and the next key follows. */
  async make(count: number, signal: AbortSignal): Promise<void> {
    const wanted = this.#acknowledged.size + count;
    const pay = this.mode === 'transaction' ? this.#transactionalPayment() : this.#leasedPayment();
    const lane = async () => {
      while (this.#acknowledged.size < wanted && !signal.aborted) {
        const key = String(this.#tried.length);
        this.#tried.push(key);
        await pay(key).then(
          // The other result of a payment says that it is not on record yet.
          (execution) => {
            if (execution.kind === 'executed' && execution.recorded) this.#acknowledged.add(key);
          },
          () => {
            this.#refused += 1;
          },
        );
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** What this server knows of them. */
  async losses(url: string): Promise<SqlLosses> {
    const pool = openPool(url);
    const [records, payments] = await Promise.all([
      pool.query("SELECT key FROM onceguard_records WHERE state = 'completed'"),
      pool.query('SELECT DISTINCT key FROM payments'),
    ]);
    await pool.end();
    const [done, paid] = [records, payments].map(({ rows }) => new Set(rows.map(({ key }) => key)));
    const isDone = (key: string) => done?.has(recordName({ scope, key })) === true;
    return {
      acknowledged: this.#acknowledged.size,
      refused: this.#refused,
      runAgain: [...this.#acknowledged].filter((key) => !isDone(key)).length,
      disagree: this.#tried.filter((key) => isDone(key) !== paid?.has(key)).length,
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.end(), this.#storePool.end()]);
  }

  #transactionalPayment(): (key: string) => Promise<Execution<string>> {
    const store = this.#store;
    const transaction = store.transactions(pgTransactions(this.#pool));
    return (key) =>
      executeIdempotently(
        (context) =>
          transaction
            .of(context)
            .query(insert, [key])
            .then(() => key),
        {
          ...{ store, scope, key, transaction },
        },
      );
  }

  #leasedPayment(): (key: string) => Promise<Execution<string>> {
    const store = this.#store;
    return (key) => executeIdempotently(() => this.#pool.query(insert, [key]).then(() => key), { store, scope, key });
  }
}

const insert = 'INSERT INTO payments (key) VALUES ($1)';

function openPool(connectionString: string): Pool {
  const timeouts = { connectionTimeoutMillis: callTimeoutMs, query_timeout: callTimeoutMs };
  const pool = new Pool({ connectionString, max: lanes, ...timeouts });
  pool.on('error', () => {});
  // One that is lost within a transaction.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
