// Two copies of the packages in one process, ESM and CommonJS, work as one.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import * as esm from '@onceguard/core';
import { FaultStore, failsBefore } from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import type { Handler } from '../../packages/testing/src/adapter-suite/framework.js';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { memberOf, onEveryFramework, type Testbed } from './framework-matrix.js';

const require = createRequire(import.meta.url);
const cjs = require('@onceguard/core') as typeof esm;
const copies = [
  ['the ESM copy, then in the CommonJS one', esm, cjs],
  ['the CommonJS copy, then in the ESM one', cjs, esm],
] as const;

it('These are two copies', () => {
  expect(cjs.executeIdempotently).not.toBe(esm.executeIdempotently);
});

onEveryFramework('A middleware of another copy inside of the first', copyTests, { needs: ['nesting', 'innerLayers'] });

function copyTests(testbed: Testbed): void {
  it('passes requests on: duplicates run once, and the replay is the response of the handler', async () => {
    const { store } = await testbed.openStore();
    let runs = 0;
    const handler: Handler = ({ context }) => ({ status: 201, body: { run: ++runs, attempt: context?.attempt } });
    const { port } = await testbed.start({ store, handler, inner: [ofCommonJs(testbed, store)] });
    const first = await send(port, { key: 'k' });
    const replay = await send(port, { key: 'k' });
    expect([first.status, first.text]).toEqual([201, '{"run":1,"attempt":1}']);
    expect([replay.text, replay.headers['idempotent-replayed'], runs]).toEqual([first.text, 'true', 1]);
  });

  it('handles the requests that the first passes on', async () => {
    const { store } = await testbed.openStore();
    let runs = 0;
    const handler: Handler = () => ({ status: 201, body: { run: ++runs } });
    const options = { skip: () => true };
    const { port } = await testbed.start({ store, handler, options, inner: [ofCommonJs(testbed, store)] });
    expect((await send(port, { key: 'k' })).text).toBe('{"run":1}');
    expect((await send(port, { key: 'k' })).headers['idempotent-replayed']).toBe('true');
  });
}

describe.each(copies)('In %s,', (_title, copy, otherCopy) => {
  const work = { scope: 'tests', key: 'payment-1' };

  it('drainStore waits for what the other copy has still to record', async () => {
    const store = new FaultStore(new copy.MemoryStore(), 50);
    store.injectFault('complete', failsBefore());
    const end = await copy.executeIdempotently(() => 'paid', { ...work, store });
    expect(end).toMatchObject({ kind: 'executed', recorded: false });
    expect(await otherCopy.drainStore(store, { timeoutMs: 10 })).toBe(false);
    store.clearFaults();
    expect(await otherCopy.drainStore(store)).toBe(true);
    expect(await otherCopy.executeIdempotently(() => 'paid again', { ...work, store })).toMatchObject({
      kind: 'replayed',
      value: 'paid',
    });
  });

  it('the store gets the highest fencing token that the other copy saw', async () => {
    const store = new FaultStore(new copy.MemoryStore());
    let seen = 0;
    const operation = ({ fencingToken }: esm.OperationContext) => {
      seen = fencingToken;
    };
    await copy.executeIdempotently(operation, { ...work, store });
    await otherCopy.executeIdempotently(() => expect.unreachable('It ran again.'), { ...work, store });
    expect(seen).toBeGreaterThan(0);
    expect(store.callsOf('acquire')[1]?.args[0]).toMatchObject({ lastSeenFencingToken: seen });
  });

  it('the limit on waiters counts those of both', async () => {
    const store = new FaultStore(new copy.MemoryStore());
    const [begun, gate] = [newGate(), newGate()];
    const operation = async () => {
      begun.open();
      await gate.opened;
      return 'paid';
    };
    const first = copy.executeIdempotently(operation, { ...work, store });
    await begun.opened;
    const options = { ...work, store, onInProgress: { waitMs: 30_000, maxWaiters: 1 } };
    const never = () => expect.unreachable('It ran.');
    const waiting = copy.executeIdempotently(never, options);
    // The second call of the waiter: it polls.
    await store.waitForCalls('acquire', 3);
    expect((await otherCopy.executeIdempotently(never, options)).kind).toBe('in_progress');
    gate.open();
    expect([(await first).kind, (await waiting).kind]).toEqual(['executed', 'replayed']);
  });
});

it('A warning is given once, whichever copy gives it', async () => {
  const program = fileURLToPath(new URL('processes/mounted-in-two-copies.mjs', import.meta.url));
  const child = fork(program, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  expect(stderr.match(/\[mounted_twice\]/g)).toHaveLength(1);
});

/** The middleware of the CommonJS copy. */
function ofCommonJs({ framework }: Testbed, store: esm.IdempotencyStore): unknown {
  const exports = require(memberOf(framework, 'packageName')) as object;
  return memberOf(framework, 'middleware')(store, {}, exports);
}
