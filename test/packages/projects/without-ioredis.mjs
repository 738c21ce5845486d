// Core alone, without its optional peer: everything but a connection of the store's own works.
import assert from 'node:assert/strict';
import { MemoryStore, makeIdempotent } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';

const once = makeIdempotent(async (id) => `done ${id}`, { store: new MemoryStore(), scope: 'all', key: (id) => id });
assert.equal(await once('1'), 'done 1');
await assert.rejects(RedisStore.connect('redis://127.0.0.1:1'), {
  code: 'option_invalid',
  message: /npm install ioredis/,
});
