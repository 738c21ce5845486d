// Misuse: each mistake is an error, or a warning once, with a stable code.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ConfigurationError, type Events, MemoryStore, onEvent } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { onEveryFramework } from './framework-matrix.js';
import { expressMiddleware, koaMiddleware } from './frameworks.js';
import { send } from './http-client.js';

const listeners: (() => void)[] = [];
afterEach(() => {
  for (const stop of listeners.splice(0)) stop();
});

function warnings(): Events['warning'][] {
  const collected: Events['warning'][] = [];
  listeners.push(onEvent('warning', (event) => collected.push(event)));
  return collected;
}

describe.each([
  ['Express', expressMiddleware],
  ['Koa', koaMiddleware],
])('A mistake in the options of %s is reported when the middleware is made, by name, value and remedy', (_, make) => {
  const store = new MemoryStore();
  it.each([
    ['no scope', { scope: undefined }, 'scope is missing', 'whose keys'],
    ['a scope that is only a word', { scope: 'everybody' }, 'scope is "everybody"', 'whose keys'],
    ['an option that does not exist', { leaseMS: 5_000 }, 'leaseMS is not an option', 'leaseMs'],
    ['a duration in words', { leaseMs: '30s' }, 'leaseMs is "30s"', 'write 30000'],
    ['a duration in seconds by mistake', { leaseMs: 0.5 }, 'leaseMs is 0.5', 'whole number of milliseconds'],
    [
      'a life that ends before the lease',
      { leaseMs: 60_000, ttlMs: 1_000 },
      'ttlMs is 1000',
      'at least leaseMs (60000)',
    ],
    [
      'a tombstone that ends before the response',
      { tombstoneMs: 1_000 },
      'tombstoneMs is 1000',
      'at least ttlMs (86400000)',
    ],
    [
      'a policy that does not exist',
      { onAbandoned: 'ignore' },
      'onAbandoned is "ignore"',
      '"rerun", "block", or a function',
    ],
    ['a store that is none', { store: {} }, 'store is an object', 'new MemoryStore()'],
  ])('%s', (_title, options, problem, remedy) => {
    const mistake = () => make(store, options as never);
    expect(mistake).toThrow(ConfigurationError);
    expect(mistake).toThrow(expect.objectContaining({ code: 'option_invalid' }));
    expect(mistake).toThrow(problem);
    expect(mistake).toThrow(remedy);
  });
});

onEveryFramework('Misuse at run time', (testbed) => {
  it.each([
    ['an empty scope', () => ''],
    ['a scope of undefined', () => undefined],
    ['a scope that is a number', () => 17],
    ['a scope of "undefined"', () => 'undefined'],
    ['a scope of "tenant:null"', () => `tenant:${null}`],
    ['a promise that was put into a scope', () => `${Promise.resolve()}`],
  ])('%s is a scope_missing for the error handler, and nothing runs', async (_title, scope) => {
    let runs = 0;
    const handled: unknown[] = [];
    const handler = () => ({ body: { run: ++runs } });
    const { store } = await testbed.openStore();
    const { port } = await testbed.start({ store, options: { scope }, handler, handled });
    const response = await send(port, { key: 'k' });
    expect([response.status, response.text, runs]).toEqual([500, 'handled', 0]);
    const message = expect.stringContaining('mount the middleware after authentication');
    expect(handled).toEqual([expect.objectContaining({ code: 'scope_missing', message })]);
  });

  it('a middleware that is mounted twice acts once, and warns once', async () => {
    const collected = warnings();
    const { store } = await testbed.openStore();
    const inner = [testbed.framework.family === 'express' ? expressMiddleware(store) : koaMiddleware(store)];
    let runs = 0;
    const { port } = await testbed.start({ store, inner, handler: () => ({ status: 201, body: { run: ++runs } }) });
    const first = await send(port, { key: 'k' });
    const second = await send(port, { key: 'k' });
    expect([first.text, second.text, runs]).toEqual(['{"run":1}', '{"run":1}', 1]);
    // Once per process, whichever test came first.
    expect(collected.filter(({ code }) => code === 'mounted_twice').length).toBeLessThanOrEqual(1);
  });

  it('a closed store gives 503, and nothing runs', async () => {
    const { store } = await testbed.openStore();
    let runs = 0;
    const { port } = await testbed.start({ store, handler: () => ({ body: { run: ++runs } }) });
    await store.close();
    const response = await send(port, { key: 'k' });
    expect([response.status, response.json().code, runs]).toEqual([503, 'store_unavailable', 0]);
  });
});

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
