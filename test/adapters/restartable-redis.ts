// A Redis for one test, which the test can stop and restart while a store is connected to it.
import { setTimeout as pause } from 'node:timers/promises';
import { RedisStore } from '@onceguard/core/redis';
import { startRedis } from '../support/redis.js';

export interface RestartableRedis {
  readonly store: RedisStore;
  /** Kills the server, as a crash would. It has kept nothing on disk. */
  crash(): Promise<void>;
  /** Pauses the server; its clients get no notice. */
  freeze(): void;
  /** Brings it back at the same address, empty after a crash, and waits until the store is connected. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

export async function startRestartableRedis(callTimeoutMs: number): Promise<RestartableRedis> {
  const server = await startRedis();
  const { url } = server;
  const store = await RedisStore.connect({ url, callTimeoutMs });
  return {
    store,
    async crash() {
      await server.kill();
    },
    freeze: () => server.freeze(),
    async restore() {
      if (server.state === 'frozen') server.thaw();
      else await server.restart();
      await untilConnected(store);
    },
    async close() {
      await store.close();
      await server.stop();
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
