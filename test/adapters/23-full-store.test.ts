// Requirement 23: a response for which a store has no room is sent all the same, and the work is not done again.
import { executeIdempotently, MemoryStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { startRedis } from '@onceguard/testing';
import { afterEach, expect, it } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import { isRepresentative } from './frameworks.js';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A store, and a function that fills it while a handler works. */
async function openStore({ kind }: Testbed) {
  // Larger than the memory store's limit.
  const body = { text: 'x'.repeat(90_000) };
  if (kind.name === 'memory') return { store: new MemoryStore({ maxBytes: 80_000 }), body, fill: async () => {} };
  const server = await startRedis();
  const store = await RedisStore.connect(server.url);
  ends.push(async () => {
    await store.close();
    await server.stop();
  });
  return { store, body, fill: async () => void (await server.command('CONFIG', 'SET', 'maxmemory', 1)) };
}

onEveryFramework('A response that the store has no room for', tests, { where: isRepresentative });

function tests(testbed: Testbed): void {
  it('reaches its client in full, and a retry gets 410 with the original status', async () => {
    const { store, body, fill } = await openStore(testbed);
    let runs = 0;
    const handler = async () => {
      runs += 1;
      await fill();
      return { status: 201, body };
    };
    const { port } = await testbed.start({ store, handler });
    const first = await send(port, { key: 'k' });
    expect([first.status, first.json(), first.headers['idempotency-recorded']]).toEqual([201, body, undefined]);
    for (const retry of [await send(port, { key: 'k' }), await send(port, { key: 'k' })]) {
      expect([retry.status, retry.json().code, retry.json().originalStatus]).toEqual([410, 'expired', 201]);
    }
    expect(runs).toBe(1);
  });

  it('counts for its scope only, over HTTP and in functions together', async () => {
    const store = new MemoryStore({ maxRecords: 8 });
    const scope = () => 'tenant-1';
    const { port } = await testbed.start({ store, handler: () => ({ status: 201, body: {} }), options: { scope } });
    expect((await send(port, { key: 'k-1' })).status).toBe(201);
    await executeIdempotently(() => 'done', { store, scope: 'tenant-1', key: 'k-2' });
    expect((await send(port, { key: 'k-3' })).status).toBe(503);
    const another = { store, scope: 'tenant-2', key: 'k-4' };
    expect(await executeIdempotently(() => 'done', another)).toMatchObject({ kind: 'executed', recorded: true });
  });

  it('the shared scope "public" is not limited as a tenant', async () => {
    const store = new MemoryStore({ maxRecords: 4 });
    const { port } = await testbed.start({
      store,
      handler: () => ({ status: 201, body: {} }),
      options: { scope: 'public' },
    });
    for (const key of ['k-1', 'k-2', 'k-3']) expect((await send(port, { key })).status).toBe(201);
  });
}
