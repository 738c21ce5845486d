// Every command on every kind of store, opened by its URL: what one process recorded, a person finds and decides.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executeIdempotently, type IdempotencyStore, lookup, recordName } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { SqliteStore } from '@onceguard/sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestbed, type Testbed } from '../postgres/postgres-testbed.js';
import { openBeside } from '../sqlite/sqlite-libraries.js';
import { redisUrl } from '../support/redis.js';
import { runOnceguard, startOnceguard } from './run-command.js';

interface OpenedStore {
  readonly store: IdempotencyStore;
  /** The words by which the command line finds it. */
  readonly words: readonly string[];
}

const folder = mkdtempSync(join(tmpdir(), 'onceguard-cli-stores-'));
const file = join(folder, 'records.db');
let testbed: Testbed;
const cleanUps: (() => Promise<void>)[] = [];

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
  await testbed.close();
  rmSync(folder, { recursive: true });
});

const kinds: Record<string, () => Promise<OpenedStore>> = {
  async Redis() {
    const prefix = `cli:${randomUUID()}:`;
    const store = await RedisStore.connect({ url: redisUrl(), prefix, callTimeoutMs: 20_000 });
    return { store, words: [redisUrl(), '--prefix', prefix] };
  },
  async PostgreSQL() {
    return { store: testbed.store(), words: [testbed.url, '--schema', testbed.schema] };
  },
  async SQLite() {
    return { store: await SqliteStore.open(file), words: [`sqlite:${file}`] };
  },
};

const who = ['--by', 'ada', '--reason', 'asked the bank', '--yes'];

describe.each(Object.entries(kinds))('On %s', (_kind, open) => {
  let opened: OpenedStore;
  beforeAll(async () => {
    opened = await open();
    cleanUps.push(() => opened.store.close());
  });

  const run = (command: string, ...args: string[]) => runOnceguard(command, ...opened.words, ...args);
  const start = (command: string, ...args: string[]) => startOnceguard(command, ...opened.words, ...args);
  const callOf = (key: string) => ({ store: opened.store, scope: 'alice', key, operation: 'charge', label: key });
  const leaveDoubt = async (key: string) => {
    const fails = () => Promise.reject(new Error('the connection broke'));
    await executeIdempotently(fails, { ...callOf(key), onFailure: 'unknown' }).catch(() => {});
    return recordName(callOf(key));
  };

  test('doubts lists what is in doubt, resolve decides it, every repeat gets the answer, and find says who decided', async () => {
    const key = randomUUID();
    const name = await leaveDoubt(key);
    const listed = await start('doubts', '--label', key);
    expect(listed).toMatchObject({ status: 1, stdout: expect.stringContaining(name) });
    const result = join(folder, `${key}.json`);
    writeFileSync(result, '{"charge":"ch_1"}');
    expect(await start('resolve', name, '--done', '--result', result, ...who)).toMatchObject({ status: 0, stderr: '' });
    expect(await executeIdempotently(() => expect.unreachable(), callOf(key))).toMatchObject({
      value: { charge: 'ch_1' },
    });
    const found = await start('find', '--scope', 'alice', '--key', key, '--operation', 'charge', '--json');
    expect([found.status, JSON.parse(found.stdout)]).toMatchObject([
      0,
      { state: 'completed', decisions: [{ by: 'ada', reason: 'asked the bank' }] },
    ]);
    expect(await start('doubts', '--label', key)).toMatchObject({ status: 0 });
  });

  test('a second decision is refused with status 2, and says who was first', async () => {
    const name = await leaveDoubt(randomUUID());
    await run('resolve', name, '--not-done', ...who);
    const late = await run('resolve', name, '--done', '--by', 'ben', '--reason', 'seen', '--yes');
    expect(late).toMatchObject({ status: 2, stdout: '' });
    expect(late.stderr).toMatch(
      /^The record is not in doubt.* ada decided at .* that it did not happen: asked the bank\./,
    );
    expect((await lookup(opened.store, name))?.decisions).toMatchObject([{ by: 'ada' }]);
  });

  test('remove frees a key', async () => {
    const key = randomUUID();
    await executeIdempotently(() => 1, callOf(key));
    expect(await start('remove', recordName(callOf(key)), ...who)).toMatchObject({ status: 0, stderr: '' });
    expect(await executeIdempotently(() => 2, callOf(key))).toMatchObject({ kind: 'executed', value: 2 });
  });

  test('a name that it does not have is one sentence with status 2', async () => {
    const { status, stdout, stderr } = await run('resolve', 'x'.repeat(43), '--done', ...who);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/no record of this name/);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('What leads to no store is one sentence with status 2, and changes nothing:', () => {
  const notDatabase = join(folder, 'notes.txt');
  const foreign = join(folder, 'foreign.db');
  beforeAll(async () => {
    writeFileSync(notDatabase, 'not a database. '.repeat(100));
    const somebody = openBeside(foreign);
    somebody.exec('CREATE TABLE notes (id INTEGER)');
    somebody.close();
  });
  afterAll(() => {
    // A file that was opened has not become a store, and no file was created.
    expect(
      readdirSync(folder)
        .filter((name) => /missing|notes|foreign/.test(name))
        .sort(),
    ).toEqual(['foreign.db', 'notes.txt']);
  });

  test.concurrent.each<[what: string, words: () => string[], says: RegExp]>([
    ['no file', () => [`sqlite:${join(folder, 'missing.db')}`], /There is no file .*missing\.db\. Give the path/],
    ['no file, by its path', () => [join(folder, 'missing.db')], /must be redis:.*sqlite:.* a file that exists/],
    ['a folder', () => [`sqlite:${folder}`], /There is no file/],
    ['no path', () => ['sqlite:'], /must be sqlite: and the path of a file/],
    ['memory', () => ['sqlite::memory:'], /must be sqlite: and the path of a file/],
    ['another file', () => [notDatabase], /not a database/],
    ['another database', () => [foreign], /no tables of a store/],
    ['SQLite with a prefix', () => [file, '--prefix', 'shop'], /^--prefix is not for SQLite: leave it out\.$/],
    ['PostgreSQL as a cluster', () => [testbed.url, '--cluster'], /^--cluster is not for PostgreSQL: leave it out\.$/],
    ['Redis with a schema', () => [redisUrl(), '--schema', 'shop'], /^--schema is not for Redis: leave it out\.$/],
    ['PostgreSQL without a host', () => ['postgres:///shop'], /must be postgres:\/\/\[user:password@\]host/],
    ['PostgreSQL with a broken password', () => ['postgres://ada:hush%hush@127.0.0.1/shop'], /URL-encoded/],
    ['nobody listens', () => ['postgres://ada:hush@127.0.0.1:9/shop'], /ECONNREFUSED/],
    ['no such database', () => [testbed.url.replace(/\/[^/]*$/, '/nowhere')], /database "nowhere" does not exist/],
    ['no tables', () => [testbed.url, '--schema', testbed.schema, '--prefix', 'elsewhere'], /store\.migrate\(\)/],
    ['a name of no schema', () => [testbed.url, '--schema', 'a"b'], /schema is "a\\"b"; it must be/],
  ])('%s', async (_what, words, says) => {
    const { status, stdout, stderr } = await runOnceguard('find', ...words(), 'x'.repeat(43), '--timeout', '20000');
    expect([status, stdout, stderr.trim()]).toEqual([2, '', expect.stringMatching(says)]);
    expect(stderr).not.toContain('hush');
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('doctor', () => {
  const doctor = async (...words: string[]) => {
    const { status, stdout } = await runOnceguard('doctor', ...words, '--timeout', '5000', '--json');
    const { servers, findings, ok } = JSON.parse(stdout);
    return { status, servers, codes: findings.map(({ code }: { code: string }) => code), ok };
  };

  test('finds nothing wrong with a good PostgreSQL and a good file', async () => {
    const { host } = new URL(testbed.url);
    const good = { status: 0, codes: [], ok: true };
    expect(await doctor(testbed.url, '--schema', testbed.schema)).toEqual({ ...good, servers: [host] });
    expect(await doctor(`sqlite:${file}`)).toEqual({ ...good, servers: [file] });
  });

  test('finds on PostgreSQL: no tables, an older schema, a missing right, a read-only role, records that nothing deletes', async () => {
    const { admin, schema, url } = testbed;
    const with_ = (name: string, value: string) => `${url}?options=-c%20${name}%3D${value}`;
    const expectCodes = async (words: string[], status: number, ...codes: string[]) =>
      expect(await doctor(...words)).toMatchObject({ status, codes });
    await expectCodes([url, '--schema', schema, '--prefix', 'none'], 1, 'postgres_schema_missing');
    await testbed.store({ prefix: 'old' }).migrate();
    await admin.query(`COMMENT ON TABLE ${schema}.old_records IS 'onceguard schema 0'`);
    await expectCodes([url, '--schema', schema, '--prefix', 'old'], 1, 'postgres_schema_older');
    const role = `${schema}_reader`;
    await admin.query(`CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${role};
      GRANT SELECT ON ${schema}.onceguard_records, ${schema}.onceguard_steps TO ${role}`);
    await expectCodes([url.replace('onceguard@', `${role}@`), '--schema', schema], 1, 'postgres_no_rights');
    await admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await expectCodes([with_('default_transaction_read_only', 'on'), '--schema', schema], 1, 'postgres_read_only');
    await executeIdempotently(() => 1, { store: testbed.store(), scope: 'alice', key: 'overdue' });
    await admin.query(`UPDATE ${schema}.onceguard_records SET due_at = 0`);
    await expectCodes([url, '--schema', schema], 0, 'postgres_purge_overdue');
    await testbed.store().purge();
    await expectCodes([url, '--schema', schema], 0);
  });

  test('finds of SQLite that there is no file, by its URL, and that another program holds its lock, by its path', async () => {
    const missing = join(folder, 'missing.db');
    expect(await doctor(`sqlite:${missing}`)).toMatchObject({
      status: 1,
      codes: ['sqlite_failed'],
      servers: [missing],
    });
    const other = openBeside(file);
    other.exec('BEGIN IMMEDIATE');
    expect(await doctor(file)).toMatchObject({ status: 0, codes: ['sqlite_locked'], servers: [file] });
    other.exec('ROLLBACK');
    other.close();
  });

  test('checks several of one kind, and refuses several kinds', async () => {
    const { host } = new URL(testbed.url);
    const twice = await doctor(testbed.url, testbed.url, '--schema', testbed.schema);
    expect(twice).toMatchObject({ status: 0, servers: [host, host] });
    const mixed = await runOnceguard('doctor', redisUrl(), testbed.url);
    expect([mixed.status, mixed.stderr]).toEqual([2, expect.stringMatching(/^Give addresses of one kind of store\./)]);
  });
});
