// Misuse: each mistake is an error, or a warning once, with a stable code.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { redisUrl } from '../support/redis.js';

describe('Misuse of a store', () => {
  it('a client that has been closed is reported as closed, with the remedy', async () => {
    const client = new Redis(redisUrl(), { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 });
    await client.connect();
    const store = new RedisStore({ client });
    // The store's start-up check may be under way when the connection ends.
    client.on('error', () => {});
    const ended = new Promise((resolve) => client.once('end', resolve));
    client.disconnect();
    await ended;
    await expect(store.read('name')).rejects.toMatchObject({ class: 'misconfigured' });
    await expect(store.read('name')).rejects.toThrow(/closed/);
  });

  it('a memory store in a cluster worker warns once: other workers do not see its records', async () => {
    const program = fileURLToPath(new URL('processes/memory-in-cluster.mjs', import.meta.url));
    const child = fork(program, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, 'close');
    expect(stderr.match(/memory_store_in_cluster/g)).toHaveLength(1);
  });

  it('the middleware that is mounted twice warns in a process of its own, once', async () => {
    const program = fileURLToPath(new URL('processes/mounted-twice.mjs', import.meta.url));
    const child = fork(program, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, 'close');
    expect(stderr.match(/\[mounted_twice\]/g)).toHaveLength(1);
  });
});
