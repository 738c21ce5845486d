// A Redis of a test's own, that it can take away and bring back while a store is connected to it.
import { setTimeout as pause } from 'node:timers/promises';
import { RedisStore } from '@onceguard/core/redis';
import { startRedis } from '../support/redis.js';

export interface OwnRedis {
  readonly store: RedisStore;
  /** Ends the server, as a crash would. It has kept nothing on disk. */
  crash(): Promise<void>;
  /** Stops the server without a word to its clients. */
  freeze(): void;
  /** Brings it back at the same address, empty after a crash, and waits until the store is connected. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

export async function ownRedis(storeTimeoutMs: number): Promise<OwnRedis> {
  let server = await startRedis();
  let isRunning = true;
  const { url, port } = server;
  const store = await RedisStore.connect({ url, storeTimeoutMs });
  return {
    store,
    async crash() {
      isRunning = false;
      await server.kill();
    },
    freeze: () => void process.kill(server.pid, 'SIGSTOP'),
    async revive() {
      if (isRunning) process.kill(server.pid, 'SIGCONT');
      else server = await startRedis({ port });
      isRunning = true;
      await untilConnected(store);
    },
    async close() {
      await store.close();
      if (isRunning) await server.kill();
    },
  };
}

async function untilConnected(store: RedisStore): Promise<void> {
  for (;;) {
    try {
      await store.read('anything');
      return;
    } catch {
      await pause(20);
    }
  }
}
