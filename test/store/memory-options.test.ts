// MemoryStore: the constructor rejects invalid options, and a store in one of several processes warns.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../packages/core/src/errors.js';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';
import { compiledProgram } from '../support/programs.js';

const refused: readonly (readonly [options: unknown, message: RegExp])[] = [
  [
    { maxRecords: 0 },
    /maxRecords is 0; it must be a whole number of records from 1 to 16000000\. For .* write 250000\./,
  ],
  [{ maxRecords: 2 ** 24 }, /maxRecords is 16777216; /],
  [{ maxBytes: '256MB' }, /maxBytes is "256MB"; it must be a whole number of bytes from 1 to .* write 268435456\./],
  [{ maxBytes: 0.5 }, /maxBytes is 0\.5; /],
  [{ callTimeoutMs: '1s' }, /callTimeoutMs is "1s"; it must be a whole number of milliseconds from 1 to 2147483647\./],
  [{ callTimeoutMs: Number.NaN }, /callTimeoutMs is NaN; /],
  ...[0, 1.01, -1, Number.NaN, '25%'].map(
    (maxScopeShare) =>
      [
        { maxScopeShare },
        /maxScopeShare is .*; it must be a number above 0 and at most 1\. For a quarter write 0\.25\./,
      ] as const,
  ),
  [{ clock: 5 }, /clock is 5; it must be a function that returns milliseconds since 1970, such as Date\.now\./],
  [
    { maxRecord: 5 },
    /maxRecord is not an option; the options are callTimeoutMs, clock, maxBytes, maxRecords, maxScopeShare, retryQueueLimits, storeName\./,
  ],
  [null, /the options argument is null; it must be an object\./],
  ['redis://x', /the options argument is "redis:\/\/x"; /],
];

describe('new MemoryStore()', () => {
  test.each(refused)('rejects %o with name, value and remedy', (options, message) => {
    const make = () => Reflect.construct(MemoryStore, [options]);
    expect(make).toThrow(message);
    expect(make).toThrow(/^new MemoryStore\(\): /);
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(expect.objectContaining({ code: 'option_invalid' }));
  });

  test('reports all mistakes at once, one per line', () => {
    const make = () => new MemoryStore({ maxRecords: 0, maxBytes: -1 });
    expect(make).toThrow(/maxRecords is 0; .*\n.*maxBytes is -1; /);
  });

  test('has a deadline of 1000 ms by default', () => {
    expect(new MemoryStore().callTimeoutMs).toBe(1_000);
    expect(new MemoryStore({ callTimeoutMs: 50 }).callTimeoutMs).toBe(50);
  });

  test('rejects calls after close, and says that the store was closed', async () => {
    const store = new MemoryStore();
    await store.close();
    await expect(store.read('a')).rejects.toThrow('This MemoryStore was closed');
  });
});

const processes = [
  { what: 'a node:cluster worker', start: 'cluster', env: {}, warnings: 1 },
  { what: 'the second process of pm2', start: 'plain', env: { NODE_APP_INSTANCE: '1' }, warnings: 1 },
  {
    what: 'the first process of pm2, which may be the only one',
    start: 'plain',
    env: { NODE_APP_INSTANCE: '0' },
    warnings: 0,
  },
  { what: 'a process of its own', start: 'plain', env: {}, warnings: 0 },
] as const;

test.each(processes)('a MemoryStore in $what warns $warnings times', async ({ start, env, warnings }) => {
  const codes = await constructTwiceIn(start, env);
  expect(codes).toEqual(Array(warnings).fill('memory_store_in_cluster'));
});

/** The codes of the warnings of a process that constructs two stores. */
async function constructTwiceIn(start: string, env: Record<string, string>): Promise<unknown> {
  const program = await compiledProgram(new URL('fixtures/two-memory-stores.ts', import.meta.url));
  const { NODE_APP_INSTANCE: _, ...inherited } = process.env;
  const child = fork(program, [start], { execArgv: ['--no-warnings'], env: { ...inherited, ...env } });
  const [codes] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  child.kill();
  return codes;
}
