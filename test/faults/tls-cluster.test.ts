// Clusters that use TLS: their certificates name hosts, and a client has to check those names.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ConnectOptions, RedisStore } from '@onceguard/core/redis';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { acquireLease, acquireRequest } from '../../packages/testing/src/store-suite/test-helpers.js';
import { startTlsCluster, type TlsCluster } from './tls.js';

let cluster: TlsCluster;
const stores: RedisStore[] = [];

beforeAll(async () => {
  cluster = await startTlsCluster();
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

afterAll(() => cluster.stop());

async function connect(options: ConnectOptions): Promise<RedisStore> {
  const store = await RedisStore.connect({ tls: { ca: cluster.ca }, callTimeoutMs: 5_000, ...options });
  stores.push(store);
  return store;
}

describe('A cluster whose certificates name hosts', () => {
  test('is reached by these names, and every node replies', async () => {
    const store = await connect({ cluster: [cluster.address] });
    const keys = Array.from({ length: 30 }, () => randomUUID());
    await Promise.all(keys.map((key) => acquireLease({ store, key })));
    expect((await store.check()).filter(({ severity }) => severity === 'error')).toEqual([]);
    const sizes = await Promise.all(cluster.nodes.map((node) => node.command('DBSIZE')));
    expect(sizes.every((size) => Number(size) > 0)).toBe(true);
  });

  test('is reached by the names that dnsLookup returns for the given addresses', async () => {
    const lookedUp: string[] = [];
    const store = await connect({
      cluster: [{ host: 'cluster.example', port: cluster.address.port }],
      dnsLookup: (name, callback) => {
        lookedUp.push(name);
        callback(null, cluster.address.host);
      },
    });
    await acquireLease({ store, key: randomUUID() });
    expect(new Set(lookedUp)).toEqual(new Set(['cluster.example']));
  });

  test('notifies waiters of completions in other processes', async () => {
    const [waiting, owner] = [
      await connect({ cluster: [cluster.address] }),
      await connect({ cluster: [cluster.address] }),
    ];
    const notified: string[] = [];
    waiting.onAttemptEnded((key) => notified.push(key));
    await vi.waitUntil(
      async () => {
        const key = randomUUID();
        const lease = await acquireLease({ store: owner, key });
        await waiting.acquire(key, acquireRequest({ notifyOnEnd: true }));
        await owner.release(lease, { as: 'retryable' });
        return notified.length > 0;
      },
      { timeout: 60_000, interval: 50 },
    );
  });

  test('is not reached by addresses, and the cause is named', async () => {
    const dnsLookup: ConnectOptions['dnsLookup'] = (_name, callback) => callback(null, '127.0.0.1');
    const store = await connect({ cluster: [cluster.address], dnsLookup, connectTimeoutMs: 1_000 });
    await vi.waitFor(async () => {
      await expect(store.read('a')).rejects.toMatchObject({ message: expect.stringMatching(/certificate's altnames/) });
    }, 60_000);
  });

  test.each(['ioredis', 'ioredis5'])(
    'ends no process by an unhandled error, with clients of %s that it rejects or that are closed while they connect',
    async (ioredis) => {
      const program = fileURLToPath(new URL('processes/wrong-tls-names.mjs', import.meta.url));
      const args = ['--no-warnings', program, String(cluster.address.port), cluster.caPath, ioredis];
      expect((await promisify(execFile)(process.execPath, args)).stdout).toBe('done\n');
    },
  );
});

test('dnsLookup is rejected where there is no cluster', async () => {
  const options = { host: 'localhost', dnsLookup: () => {} };
  await expect(RedisStore.connect(options)).rejects.toThrow(
    /dnsLookup is a function; it must be left out: only clusters/,
  );
});
