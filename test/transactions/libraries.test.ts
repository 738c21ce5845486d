// The same promises by the transactions of each library.
import { randomUUID } from 'node:crypto';
import { makeIdempotent, type TransactionPort } from '@onceguard/core';
import {
  drizzleTransactions,
  knexTransactions,
  kyselyTransactions,
  type PgTransactionOptions,
  pgTransactions,
  postgresJsTransactions,
  prismaTransactions,
  typeOrmTransactions,
} from '@onceguard/postgres';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { drizzle as drizzleOnPostgresJs } from 'drizzle-orm/postgres-js';
import knex from 'knex';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import postgres from 'postgres';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPrisma } from '../support/prisma-client.js';
import { openTransactionTestbed, type TransactionTestbed } from './transaction-testbed.js';

/** One library: its transactions, and how a statement runs in one. */
interface Library {
  readonly port: TransactionPort;
  run(context: object, text: string): PromiseLike<unknown>;
  end(): Promise<unknown>;
}

type Open = (testbed: TransactionTestbed, url: string) => Library | Promise<Library>;

const pgLibrary =
  (options: PgTransactionOptions): Open =>
  ({ store, database }) => {
    const port = store.transactions(pgTransactions(database.pool(), options));
    return { port, run: (context, text) => port.of(context).query(text), end: async () => {} };
  };

const libraries: Readonly<Record<string, Open>> = {
  pg: pgLibrary({}),
  'pg, all statements prepared': pgLibrary({ prepare: true }),
  'pg, one statement at a time': pgLibrary({ prepare: false, pipeline: false }),
  'postgres.js': ({ store }, url) => {
    const client = postgres(url, { max: 5, onnotice() {} });
    const port = store.transactions(postgresJsTransactions(client));
    return { port, run: (context, text) => port.of(context).unsafe(text), end: () => client.end() };
  },
  'Drizzle on pg': ({ store, database }) => {
    const port = store.transactions(drizzleTransactions(drizzle(database.pool()), sql));
    return { port, run: (context, text) => port.of(context).execute(sql.raw(text)), end: async () => {} };
  },
  'Drizzle on postgres.js': ({ store }, url) => {
    const client = postgres(url, { max: 5, onnotice() {} });
    const port = store.transactions(drizzleTransactions(drizzleOnPostgresJs(client), sql));
    return { port, run: (context, text) => port.of(context).execute(sql.raw(text)), end: () => client.end() };
  },
  Kysely: ({ store, database }) => {
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: database.pool() }) });
    const port = store.transactions(kyselyTransactions(db, CompiledQuery));
    return {
      port,
      run: (context, text) => port.of(context).executeQuery(CompiledQuery.raw(text)),
      end: async () => {},
    };
  },
  Knex: ({ store }, url) => {
    const db = knex({ client: 'pg', connection: url, pool: { min: 0, max: 5 } });
    const port = store.transactions(knexTransactions(db));
    return { port, run: async (context, text) => await port.of(context).raw(text), end: () => db.destroy() };
  },
  Prisma: async ({ store, database }, url) => {
    const prisma = await openPrisma(url, database.schema);
    const port = store.transactions(prismaTransactions(prisma));
    const run = (context: object, text: string) => port.of(context).$queryRawUnsafe(text);
    return { port, run, end: () => prisma.$disconnect() };
  },
  TypeORM: async ({ store }, url) => {
    const source = await new DataSource({ type: 'postgres', url }).initialize();
    const port = store.transactions(typeOrmTransactions(source));
    return { port, run: (context, text) => port.of(context).query(text), end: () => source.destroy() };
  },
};

let testbed: TransactionTestbed;

beforeAll(async () => {
  testbed = await openTransactionTestbed();
});

afterAll(async () => await testbed.close());

describe.each(Object.entries(libraries))('%s', (_name, open) => {
  let library: Library;
  let calls = 0;
  let during: (context: object) => unknown = () => {};

  const pay = async (key: string) => {
    const run = makeIdempotent(
      async (given: string, context) => {
        calls += 1;
        await library.run(context, `INSERT INTO ${testbed.database.schema}.payments (key) VALUES ('${given}')`);
        await context.enqueue('paid', given);
        await during(context);
        return { paid: given, bytes: Buffer.from([0, 255]) };
      },
      { store: testbed.store, scope: 'shop', key: (given) => given, transaction: library.port },
    );
    return await run(key);
  };

  const countMessages = async (key: string) => {
    const text = `SELECT count(*)::int AS n FROM ${testbed.database.schema}.onceguard_outbox WHERE payload = $1`;
    return (await testbed.database.admin.query(text, [Buffer.from(key)])).rows[0].n;
  };

  beforeAll(async () => {
    library = await open(testbed, testbed.database.url);
  });

  afterAll(async () => await library.end());

  test('Effect, record and message are committed together, and a repeat gets the recorded result', async () => {
    const key = randomUUID();
    const first = await pay(key);
    expect(await pay(key)).toEqual(first);
    expect([await testbed.countPayments(key), await countMessages(key)]).toEqual([1, 1]);
  });

  test('An operation that throws leaves nothing, and its key is free', async () => {
    const key = randomUUID();
    during = () => {
      throw new Error('declined');
    };
    await expect(pay(key)).rejects.toThrow('declined');
    during = () => {};
    expect([await testbed.countPayments(key), await countMessages(key)]).toEqual([0, 0]);
    await pay(key);
    expect(await testbed.countPayments(key)).toBe(1);
  });

  test('Of callers at once one runs', async () => {
    const key = randomUUID();
    const before = calls;
    await Promise.allSettled(Array.from({ length: 5 }, () => pay(key)));
    await pay(key);
    expect(calls - before).toBe(1);
    expect(await testbed.countPayments(key)).toBe(1);
  });

  test('Work under a lease that came between is not overwritten: its result counts, and the effect is rolled back', async () => {
    const key = randomUUID();
    const byLease = makeIdempotent(async (given: string) => ({ paid: given, by: 'lease' }), {
      store: testbed.store,
      scope: 'shop',
      key: (given) => given,
    });
    during = async () => await byLease(key);
    expect(await pay(key)).toEqual({ paid: key, by: 'lease' });
    during = () => {};
    expect(await testbed.countPayments(key)).toBe(0);
  });

  test('An SQL error that the operation swallowed is never taken for a commit', async () => {
    const key = randomUUID();
    during = async (context) => await Promise.resolve(library.run(context, 'SELECT 1/0')).catch(() => {});
    await expect(pay(key)).rejects.toThrow();
    during = () => {};
    expect(await testbed.countPayments(key)).toBe(0);
    await pay(key);
    expect(await testbed.countPayments(key)).toBe(1);
  });

  test('What is written after the operation has returned is refused', async () => {
    let late: object = {};
    during = (context) => {
      late = context;
    };
    await pay(randomUUID());
    during = () => {};
    const writeLate = async () => await library.run(late, 'SELECT 1');
    await expect(writeLate()).rejects.toMatchObject({ code: 'transaction_over' });
  });
});
