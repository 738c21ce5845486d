// A call that somebody waits for keeps the process alive. Work in the background does not.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const main = createRequire(import.meta.url).resolve('@onceguard/core');

/** The output of a program that ends by itself. */
async function printed(program: string): Promise<string> {
  const given = `
    const { executeIdempotently: execute, MemoryStore, StoreError } = require(${JSON.stringify(main)});
    const store = new MemoryStore({ callTimeoutMs: 2_000 });
    const pay = (operation, options = {}) => execute(operation, { store, scope: 'tests', key: '1', ...options });
    const print = (end) => console.log(JSON.stringify(end));`;
  const run = promisify(execFile)(process.execPath, ['-e', given + program], { timeout: 60_000 });
  return (await run).stdout;
}

it('A result that waits in the background does not keep a process alive', async () => {
  const out = await printed(`
    store.complete = async () => { throw new StoreError('unavailable', 'down') };
    pay(() => 'paid').then(print);`);
  expect(JSON.parse(out)).toEqual({ kind: 'executed', value: 'paid', recorded: false, attempt: 1 });
});

it('An operation that never ends does not keep a process alive by its renewals', async () => {
  const out = await printed(`
    pay(() => { print('begun'); return new Promise(() => {}) }, { leaseMs: 3_000 });`);
  expect(JSON.parse(out)).toBe('begun');
});

it('A caller that waits for the outcome of another keeps it alive until it is told', async () => {
  const out = await printed(`
    pay(() => new Promise(() => {}));
    pay(() => 'never', { onInProgress: { waitMs: 300 } }).then(({ kind }) => print(kind));`);
  expect(JSON.parse(out)).toBe('in_progress');
});
