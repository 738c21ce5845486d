// What is wrong with a server, a schema, a role or a client is said in a sentence with the remedy, and nothing runs.
import { migrationSql, PostgresStore } from '@onceguard/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acquireRequest, completionOf, leaseOf } from './calls.js';
import { openTestbed, type Testbed } from './postgres-testbed.js';

const testbedClient = { rows: async () => [] };

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(async () => await testbed.close());

const acquire = (store: PostgresStore) => store.acquire('k', acquireRequest());

describe('The schema', () => {
  test('Without the tables every call fails as misconfigured, and says how to make them', async () => {
    const store = testbed.store({ prefix: 'missing' });
    const error = { class: 'misconfigured', message: expect.stringContaining('`await store.migrate()`') };
    await expect(acquire(store)).rejects.toMatchObject(error);
    await expect(store.read('k')).rejects.toMatchObject(error);
    expect(await store.check()).toMatchObject([{ code: 'postgres_schema_missing', severity: 'error' }]);
  });

  test('Ten processes may migrate at once, and again', async () => {
    const stores = Array.from({ length: 10 }, () => testbed.store({ prefix: 'at_once' }));
    await Promise.all(stores.map((store) => store.migrate()));
    await stores[0]?.migrate();
    expect(await stores[0]?.check()).toEqual([]);
  });

  test('The SQL of migrationSql() makes the same tables, and may run twice', async () => {
    const text = migrationSql({ schema: testbed.schema, prefix: 'by_hand' });
    await testbed.admin.query(text);
    await testbed.admin.query(text);
    const store = testbed.store({ prefix: 'by_hand' });
    expect(await store.check()).toEqual([]);
    expect(await acquire(store)).toMatchObject({ kind: 'acquired' });
  });

  test('A schema that is older than the package fails as misconfigured', async () => {
    const store = testbed.store({ prefix: 'older' });
    await store.migrate();
    await testbed.admin.query(`ALTER TABLE ${testbed.schema}.older_records DROP COLUMN traceparent;
      COMMENT ON TABLE ${testbed.schema}.older_records IS NULL`);
    await expect(acquire(store)).rejects.toMatchObject({
      class: 'misconfigured',
      message: expect.stringContaining('older than this version'),
    });
    expect(await store.check()).toMatchObject([{ code: 'postgres_schema_older' }]);
  });
});

describe('The role', () => {
  test('SELECT, INSERT, UPDATE and DELETE on the two tables are all the rights that the store needs', async () => {
    const role = `${testbed.schema}_least`;
    const { schema, admin } = testbed;
    await admin.query(`CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${role};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.onceguard_records, ${schema}.onceguard_steps TO ${role}`);
    const store = testbed.store({ client: testbed.pool({ connectionString: urlOf(role) }) });
    expect(await store.check()).toEqual([]);
    const request = acquireRequest();
    const lease = leaseOf('least', request, await store.acquire('least', request));
    await store.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('1') });
    await store.renew(lease, 60_000);
    expect(await store.complete(lease, completionOf('done'))).toMatchObject({ kind: 'ok' });
    await store.remove('least');
    await store.scan({ cursor: null, limit: 10 });
    await store.purge();
    await admin.query(`REVOKE UPDATE ON ${schema}.onceguard_records FROM ${role}`);
    await expect(store.renew(lease, 60_000)).rejects.toMatchObject({ class: 'misconfigured' });
    expect(await store.check()).toMatchObject([
      { code: 'postgres_no_rights', message: expect.stringContaining('UPDATE on') },
    ]);
    await admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test('Without any right the sentence names docs/postgres.md#rights', async () => {
    const role = `${testbed.schema}_none`;
    await testbed.admin.query(`CREATE ROLE ${role} LOGIN`);
    const store = testbed.store({ client: testbed.pool({ connectionString: urlOf(role) }) });
    const error = { class: 'misconfigured', message: expect.stringContaining('docs/postgres.md#rights') };
    await expect(acquire(store)).rejects.toMatchObject(error);
    expect(await store.check()).toMatchObject([{ code: 'postgres_no_rights' }]);
    await testbed.admin.query(`DROP ROLE ${role}`);
  });
});

describe('The server', () => {
  test('A read-only server refuses, and the sentence asks for the primary', async () => {
    const client = testbed.pool({ options: '-c default_transaction_read_only=on' });
    const store = testbed.store({ client });
    await expect(acquire(store)).rejects.toMatchObject({
      class: 'unavailable',
      message: expect.stringContaining('address of the primary'),
    });
    expect(await store.check()).toMatchObject([{ code: 'postgres_read_only' }]);
  });

  test('A server that is not there is unavailable, and connect resolves all the same', async () => {
    const store = await PostgresStore.connect('postgres://nobody@127.0.0.1:9/none');
    await expect(acquire(store)).rejects.toMatchObject({ class: 'unavailable' });
    expect(await store.check()).toMatchObject([{ code: 'postgres_unreachable' }]);
    await store.close();
  });

  test('An isolation stricter than READ COMMITTED and a commit without a flush are found', async () => {
    const options = '-c default_transaction_isolation=serializable -c synchronous_commit=off';
    const findings = await testbed.store({ client: testbed.pool({ options }) }).check();
    expect(findings.map(({ code }) => code)).toEqual(['postgres_async_commit', 'postgres_isolation']);
  });
});

describe('The options', () => {
  test.each([
    [{}, /client is missing; it must be a Pool of pg/],
    [{ client: { find() {} } }, /client is an object; it must be a Pool of pg/],
    [{ client: testbedClient, schema: 'a"b' }, /schema is "a\\"b"; it must be 1 to 40 characters/],
    [
      { client: testbedClient, callTimeoutMs: '1s' },
      /callTimeoutMs is "1s"; it must be a whole number of milliseconds/,
    ],
  ])('new PostgresStore(%o) throws', (options, message) => {
    expect(() => new PostgresStore(options as never)).toThrow(message);
  });

  test('A URL that is none is not shown, as it may have a password', async () => {
    await expect(PostgresStore.connect('mysql://user:secret@host')).rejects.toThrow(
      /url is a string; it must be a URL/,
    );
  });

  test('A client whose replies are no rows is misconfigured', async () => {
    const store = testbed.store({ client: { rows: async () => ({ rows: [] }) as never } });
    await expect(acquire(store)).rejects.toMatchObject({ class: 'misconfigured' });
  });

  test('A closed store refuses, and its pool has ended', async () => {
    const store = await PostgresStore.connect({ url: testbed.url, schema: testbed.schema });
    expect(await store.read('k')).toMatchObject({ record: null });
    await store.close();
    await expect(store.read('k')).rejects.toMatchObject({ class: 'misconfigured' });
  });
});

function urlOf(role: string): string {
  return testbed.url.replace('onceguard@', `${role}@`);
}
