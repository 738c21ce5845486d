// The rights that docs/redis.md names are enough: a user with these alone runs every verb.
import { readFileSync } from 'node:fs';
import { executeIdempotently, listDoubts } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { acquireLease, acquireRequest, completionOf } from '../../packages/testing/src/store-suite/test-helpers.js';
import { startRedis } from '../support/redis.js';
import { listeningStore } from './completion-listeners.js';

test('A user with the rights that the documents name can do everything that a store does', async () => {
  const document = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
  const rights = /^ACL (SETUSER onceguard .*)$/m.exec(document)?.[1]?.split(' ') ?? [];
  const server = await startRedis();
  const admin = new Redis(server.url);
  await admin.call('ACL', rights);
  const url = `redis://onceguard:secret@127.0.0.1:${server.port}`;
  const store = await RedisStore.connect(url);
  try {
    const { notifiedKeys } = await listeningStore(store, admin, 'onceguard:');
    const lease = await acquireLease({ store, key: 'awaited' });
    await store.acquire('awaited', acquireRequest({ notifyOnEnd: true }));
    await store.complete(lease, completionOf('done'));
    await vi.waitUntil(() => notifiedKeys.includes('awaited'), 60_000);
    await store.remove('awaited');
    const guarded = await acquireLease({ store, key: 'doubtful' }, { onAbandoned: 'block' });
    await store.release(guarded, { as: 'unknown', retryAfterMs: null, note: null });
    expect((await listDoubts(store)).doubts).toMatchObject([{ recordName: 'doubtful' }]);
    await store.remove('doubtful');
    expect((await listDoubts(store)).doubts).toEqual([]);
    const options = { store, scope: 'acl', key: 'k' };
    expect(await executeIdempotently(() => 'done', options)).toMatchObject({ kind: 'executed', recorded: true });
    expect(await executeIdempotently(() => 'again', options)).toMatchObject({ kind: 'replayed', value: 'done' });
    const { records } = await store.scan({ cursor: null, limit: 100 });
    const name = records.find(({ record }) => record.state === 'completed')?.key ?? '';
    expect((await store.read(name)).record?.state).toBe('completed');
    await store.remove(name);
    expect((await store.read(name)).record?.state).toBe('removed');
  } finally {
    await store.close();
    admin.disconnect();
    await server.stop();
  }
});
