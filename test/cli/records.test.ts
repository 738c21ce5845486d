// onceguard find, doubts, resolve and remove: what they print, which status they end with, and what they leave alone.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executeIdempotently, lookup, recordName } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RedisServer, redisUrl, startRedis } from '../support/redis.js';
import { runOnceguard, startOnceguard } from './run-command.js';

const prefix = `cli:${randomUUID()}:`;
const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-cli-'));
let store: RedisStore;
let key: string;

beforeAll(async () => {
  store = await RedisStore.connect({ url: redisUrl(), prefix });
});
beforeEach(() => {
  key = randomUUID();
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const run = (command: string, ...args: string[]) => runOnceguard(command, redisUrl(), '--prefix', prefix, ...args);
const call = () =>
  ({ store, scope: 'alice', key, operation: 'charge', label: 'order 17', fingerprint: 'order 17' }) as const;

/** Leaves work whose outcome nobody knows; resolves with its name. */
async function leaveDoubt(): Promise<string> {
  const fails = () => Promise.reject(new Error('the connection broke'));
  await executeIdempotently(fails, { ...call(), onFailure: 'unknown' }).catch(() => {});
  return recordName(call());
}

function fileWith(json: unknown): string {
  const file = join(folder, `${randomUUID()}.json`);
  writeFileSync(file, typeof json === 'string' ? json : JSON.stringify(json));
  return file;
}

const who = ['--by', 'ada', '--reason', 'asked the bank', '--yes'];

describe('find', () => {
  test('prints the record of a call in full', async () => {
    await executeIdempotently(() => ({ charge: 'ch_1' }), call());
    const { status, stdout } = await run(
      'find',
      '--scope',
      'alice',
      '--key',
      key,
      '--operation',
      'charge',
      '--derive',
      'charge',
    );
    expect(status).toBe(0);
    for (const text of [
      'charge  COMPLETED',
      'The work is done.',
      'order 17',
      'First attempt began',
      '"charge": "ch_1"',
    ])
      expect(stdout).toContain(text);
    expect(stdout).toMatch(/^ {2}charge {2}[0-9a-f]{8}-[0-9a-f]{4}-5/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
    expect(stdout).not.toMatch(/\u001b/);
  });

  test('prints JSON for scripts', async () => {
    await executeIdempotently(() => ({ charge: 'ch_1' }), call());
    const { status, stdout } = await run('find', recordName(call()), '--json', '--derive', 'charge');
    expect([status, JSON.parse(stdout)]).toMatchObject([
      0,
      {
        state: 'completed',
        outcome: { kind: 'result', value: { charge: 'ch_1' } },
        derivedKeys: { charge: expect.any(String) },
      },
    ]);
  });

  test('ends with 1 where there is no such work', async () => {
    expect(await run('find', '--scope', 'alice', '--key', key)).toMatchObject({ status: 1, stdout: '' });
  });

  test('lets no record draw on the terminal', async () => {
    await executeIdempotently(() => 'a\u001b[2Jb', { ...call(), label: 'x' });
    const { stdout } = await run('find', recordName(call()));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe('doubts', () => {
  test('lists what is in doubt and ends with 1; with --json for scripts', async () => {
    const name = await leaveDoubt();
    const listed = await run('doubts', '--label', 'order 17');
    expect(listed).toMatchObject({ status: 1, stdout: expect.stringMatching(/in doubt\.\n\ncharge · order 17/) });
    expect(listed.stdout).toContain(name);
    const { stdout } = await run('doubts', '--operation', 'charge', '--json');
    expect(JSON.parse(stdout).doubts.map((doubt: { recordName: string }) => doubt.recordName)).toContain(name);
  });

  test('ends with 0 where nothing is', async () => {
    expect(await run('doubts', '--operation', 'nobody does this')).toMatchObject({
      status: 0,
      stdout: 'Nothing is in doubt.\n',
    });
    await leaveDoubt();
    expect(await run('doubts', '--older-than', '1h')).toMatchObject({ status: 0 });
  });
});

describe('resolve', () => {
  test('records that it happened, with the result that every repeat gets, and shows the record before and after', async () => {
    const name = await leaveDoubt();
    const { status, stdout } = await run('resolve', name, '--done', '--result', fileWith({ charge: 'ch_1' }), ...who);
    expect(status).toBe(0);
    expect(stdout).toMatch(/OUTCOME_UNKNOWN[\s\S]*Decided\.[\s\S]*COMPLETED[\s\S]*ada: it happened: asked the bank/);
    const repeat = await executeIdempotently(() => expect.unreachable(), call());
    expect(repeat).toMatchObject({ kind: 'replayed', value: { charge: 'ch_1' } });
  });

  test('records that it did not happen: the next caller runs', async () => {
    const name = await leaveDoubt();
    expect(JSON.parse((await run('resolve', name, '--not-done', '--json', ...who)).stdout)).toMatchObject({
      before: { state: 'outcome_unknown' },
      after: { state: 'retryable', decisions: [{ by: 'ada' }] },
    });
    expect(await executeIdempotently(() => 'ran', call())).toMatchObject({ kind: 'executed' });
  });
});

describe('remove', () => {
  test('frees the key, and prints what it removed', async () => {
    await executeIdempotently(() => 1, call());
    const { status, stdout } = await run('remove', recordName(call()), ...who);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/COMPLETED[\s\S]*Removed .* by ada: asked the bank/)]);
    expect(await executeIdempotently(() => 2, call())).toMatchObject({ kind: 'executed', value: 2 });
  });

  test('leaves work alone that is under way', async () => {
    const results: unknown[] = [];
    await executeIdempotently(async () => void results.push(await run('remove', recordName(call()), ...who)), call());
    expect(results).toMatchObject([{ status: 2, stderr: expect.stringContaining('at work') }]);
    expect(await lookup(store, recordName(call()))).toMatchObject({ state: 'completed' });
  });
});

test('A name that begins with a hyphen is a name', async () => {
  do key = randomUUID();
  while (!recordName(call()).startsWith('-'));
  const name = await leaveDoubt();
  expect(await run('find', name)).toMatchObject({ status: 0, stderr: '' });
  expect(await run('resolve', name, '--not-done', ...who)).toMatchObject({ status: 0 });
  expect(await run('remove', name, ...who)).toMatchObject({ status: 0 });
});

describe('What cannot be carried out is one sentence with status 2, and changes nothing:', () => {
  const unknownName = 'x'.repeat(43);
  test.each<[args: string[], says: RegExp]>([
    [['find', unknownName], /no record of this name/],
    [['find', 'short'], /must have 43 characters/],
    [['find'], /--scope and --key/],
    [['find', '--scope', 'a', '--key', 'b', '--method', 'POST'], /--method and --path together/],
    [['find', '--scope', 'a', '--key', 'b', '--operation', 'c', '--path', '/'], /and not both/],
    [['find', '--scop', 'a'], /Unknown option '--scop'/],
    [['doubts', '--older-than', 'yesterday'], /a time such as 30s/],
    [['resolve', unknownName, '--done', ...who], /no record of this name/],
    [['resolve', 'NAME', '--by', 'ada', '--yes'], /--done or --not-done/],
    [['resolve', 'NAME', '--done', '--not-done', ...who], /--done or --not-done/],
    [['resolve', 'NAME', '--done', '--by', 'ada', '--yes'], /--reason is missing/],
    [['resolve', 'NAME', '--done', '--reason', 'r', '--yes'], /--by is missing/],
    [['resolve', 'NAME', '--done', '--result', '/nowhere.json', ...who], /must be a file with JSON/],
    [['resolve', 'NAME', '--not-done', '--result', '/nowhere.json', ...who], /leave out --response/],
    [['remove', 'NAME', '--by', 'ada', '--yes'], /--reason is missing/],
    [['remove', unknownName, ...who], /no record of this name/],
  ])('%j', async ([command = '', ...args], says) => {
    const name = await leaveDoubt();
    const result = await run(command, ...args.map((arg) => (arg === 'NAME' ? name : arg)));
    expect([result.status, result.stderr]).toEqual([2, expect.stringMatching(says)]);
    expect(await lookup(store, name)).toMatchObject({ state: 'outcome_unknown', decisions: [] });
  });

  test.each([
    ['resolve', ['--done']],
    ['remove', []],
  ])('%s without --yes where nobody can be asked', async (command, decision) => {
    const name = await leaveDoubt();
    const words = [name, ...decision, '--by', 'ada', '--reason', 'r', '--prefix', prefix];
    // Without a terminal, whatever the test has.
    const { status, stderr } = await startOnceguard(command, redisUrl(), ...words);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/add --yes/)]);
    expect(await lookup(store, name)).toMatchObject({ state: 'outcome_unknown', decisions: [] });
  });

  test('a name of another store', async () => {
    const name = await leaveDoubt();
    const words = [redisUrl(), name, '--done', ...who, '--prefix', 'elsewhere:'];
    const { status, stderr } = await runOnceguard('resolve', ...words);
    expect([status, stderr]).toEqual([2, expect.stringContaining('another store')]);
    expect(await lookup(store, name)).toMatchObject({ decisions: [] });
  });

  test('a decision about something that is not in doubt', async () => {
    await executeIdempotently(() => 1, call());
    const { status, stderr } = await run('resolve', recordName(call()), '--done', ...who);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^The record is not in doubt: it is completed\./)]);
  });

  test('the result of a function for a request, and a response for a function', async () => {
    const name = await leaveDoubt();
    const response = fileWith({ status: 201, body: { charge: 'ch_1' } });
    const { status, stderr } = await run('resolve', name, '--done', '--response', response, ...who);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/record of a function: give its answer with --result/)]);
    expect(await lookup(store, name)).toMatchObject({ decisions: [] });
  });
});

describe('A URL that leads to no store is one sentence with status 2, and repeats no password:', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
    await server.command('ACL', 'SETUSER', 'reader', 'on', '>hush', '~shop:*', '+@read', '+ping');
  });
  afterAll(() => server.stop());

  test.each<[string, () => string, RegExp]>([
    ['none', () => '', /must be redis:/],
    ['another scheme', () => 'http://127.0.0.1', /must be redis:/],
    ['nobody listens', () => 'redis://:hush@127.0.0.1:1', /ECONNREFUSED/],
    ['a wrong password', () => server.url.replace('//', '//nobody:hush@'), /WRONGPASS/],
    ['no rights', () => server.url.replace('//', '//reader:hush@'), /NOPERM/],
  ])('%s', async (_what, url, says) => {
    const { status, stdout, stderr } = await startOnceguard('find', url(), 'x'.repeat(43), '--timeout', '800');
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(says)]);
    expect(stderr).not.toContain('hush');
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
