// The context of an operation: fencing tokens that grow, and derived keys that stay the same.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import {
  type ConfigurationError,
  deriveKeyFromRecordName,
  executeIdempotently,
  type IdempotencyStore,
  makeIdempotent,
  type OperationContext,
} from '@onceguard/core';
import { describe, expect, it } from 'vitest';
import { memoryTestbed, onEveryStore, recordNameIn } from './store-testbed.js';

type Operation<T> = (context: OperationContext) => T;

const runOperation = <T>(store: IdempotencyStore, operation: Operation<T>, key = 'payment-1') =>
  executeIdempotently(operation, { store, scope: 'tests', key });

/** What an operation reads from its context. The operation fails, so that its key is free for the next call. */
async function readContext<T>(store: IdempotencyStore, look: Operation<T>, key?: string): Promise<T> {
  const found: T[] = [];
  const operation = (context: OperationContext) => {
    found.push(look(context));
    throw new Error('declined');
  };
  await runOperation(store, operation, key).catch(() => {});
  const [value] = found;
  if (value === undefined) throw new Error('It did not run.');
  return value;
}

function errorFrom(call: () => unknown): ConfigurationError {
  try {
    call();
  } catch (error) {
    return error as ConfigurationError;
  }
  return expect.unreachable('It did not throw.');
}

const fencingTokenOf: Operation<number> = ({ fencingToken }) => fencingToken;

describe('A fencing token', () => {
  it('grows with every attempt, and also after the record vanished, though the clock stands still', async () => {
    const { store, loseRecord } = memoryTestbed();
    const first = await readContext(store, fencingTokenOf);
    const second = await readContext(store, fencingTokenOf);
    await loseRecord(recordNameIn(store));
    const third = await readContext(store, fencingTokenOf);
    expect([first, second, third]).toEqual([first, first + 1, first + 2]);
  });

  it('grows also where this process knows the one before from a replay only', async () => {
    const { store, loseRecord, advance } = memoryTestbed();
    const { inner } = store;
    advance(1_000);
    await runOperation(inner, () => 'paid');
    await runOperation(store, () => 'never');
    await loseRecord(recordNameIn(store));
    advance(-1_000);
    expect(await readContext(store, fencingTokenOf)).toBeGreaterThan(await fenceOf(inner, recordNameIn(store)));
  });
});

async function fenceOf(store: IdempotencyStore, name: string): Promise<number> {
  return (await store.read(name)).record?.fencingToken ?? Number.NaN;
}

onEveryStore('What an operation is told', (open) => {
  it('is its key, its attempt, and that its signal has not aborted', async () => {
    const { store } = open();
    const facts: Operation<object> = ({ key, attempt, takeover, signal }) => {
      return { key, attempt, takeover, aborted: signal.aborted };
    };
    expect(await readContext(store, facts)).toEqual({ key: 'payment-1', attempt: 1, takeover: false, aborted: false });
    expect(await readContext(store, facts)).toMatchObject({ attempt: 2, takeover: false });
  });

  it('is all in a copy too', async () => {
    const { store } = open();
    const { key, signal, ...rest } = await readContext(store, (context) => ({ ...context }));
    expect([key, signal]).toEqual(['payment-1', expect.any(AbortSignal)]);
    expect(Object.keys(rest).sort()).toEqual([
      'attempt',
      'bypassed',
      'deriveKey',
      'enqueue',
      'fencingToken',
      'markNothingHappened',
      'recordName',
      'step',
      'takeover',
    ]);
  });

  it('grows in its fencing token from attempt to attempt, over a loss of the record too', async () => {
    const { store, loseRecord } = open();
    const first = await readContext(store, fencingTokenOf);
    const second = await readContext(store, fencingTokenOf);
    await loseRecord(recordNameIn(store));
    expect(second).toBeGreaterThan(first);
    expect(await readContext(store, fencingTokenOf)).toBeGreaterThan(second);
  });
});

describe('A derived key', () => {
  it.each([['\ud800'], [7 as never], [undefined as never]])('is not made from %j', (name) => {
    const { code, message } = errorFrom(() => deriveKeyFromRecordName('any', name));
    expect([code, message]).toEqual([
      'argument_invalid',
      'The name of a derived key is not valid; it must be well-formed text.',
    ]);
  });

  const charge: Operation<string> = ({ deriveKey }) => deriveKey('charge');

  it('is the same in every attempt, and another one for another part, key or scope', async () => {
    const { store } = memoryTestbed();
    const keys = [
      await readContext(store, charge),
      await readContext(store, ({ deriveKey }) => deriveKey('refund')),
      await readContext(store, charge, 'payment-2'),
    ];
    const elsewhere = { store, scope: 'other tests', key: 'payment-1' };
    const other = await executeIdempotently(charge, elsewhere);
    expect(new Set([...keys, other.kind === 'executed' ? other.value : '']).size).toBe(4);
    expect(await readContext(store, charge)).toBe(keys[0]);
  });

  it('is the same for execute and makeIdempotent', async () => {
    const { store } = memoryTestbed();
    const options = { store: memoryTestbed().store, scope: 'tests', key: (input: string) => input };
    const wrapped = makeIdempotent((_: string, context) => charge(context), options);
    expect(await wrapped('payment-1')).toBe(await readContext(store, charge));
  });

  it('is the same in another process', async () => {
    const { store } = memoryTestbed();
    const main = createRequire(import.meta.url).resolve('@onceguard/core');
    const program = `
      const { executeIdempotently: execute, MemoryStore } = require(${JSON.stringify(main)});
      const options = { store: new MemoryStore(), scope: 'tests', key: 'payment-1' };
      execute(({ deriveKey }) => deriveKey('charge'), options).then(({ value }) => process.stdout.write(value));`;
    expect(execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' })).toBe(
      await readContext(store, charge),
    );
  });

  it('is a UUIDv5 of the name of the record, as RFC 9562 has it', async () => {
    const { store } = memoryTestbed();
    const namespace = uuidv5('5b1f6b52-6a0e-5c1c-9d7b-0f3f6d6f3a1e', await nameAfter(store));
    expect(await readContext(store, charge)).toBe(uuidv5(namespace, 'charge'));
  });

  async function nameAfter(store: ReturnType<typeof memoryTestbed>['store']): Promise<string> {
    await readContext(store, charge);
    return recordNameIn(store);
  }
});

/** RFC 9562, section 5.5: SHA-1 of namespace and name, with version 5 and variant 10. */
function uuidv5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
