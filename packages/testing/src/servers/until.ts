// Waiting for servers to agree on something, of which they send no word.
import { setTimeout as pause } from 'node:timers/promises';
import type { RedisServer } from './redis-server.js';

const lookEveryMs = 50;
const patienceMs = 30_000;

/** Resolves once `obstacle` finds nothing in the way any more; rejects after 30 s with what it found or met with last. */
export async function until(what: string, obstacle: () => Promise<string | null>): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const found = await obstacle().catch((error: unknown) => String(error));
    if (found === null) return;
    if (performance.now() > end) throw new Error(`Waited ${patienceMs} ms for ${what}: ${found}`);
    await pause(lookEveryMs);
  }
}

/** Resolves when each of the servers that is a replica follows its master. */
export async function untilInSync(servers: readonly RedisServer[]): Promise<void> {
  await until('replicas to be in sync', async () => await outOfSync(servers));
}

/** What of the replication is not as it should be, as the servers tell it; null where all is well. */
export async function outOfSync(servers: readonly RedisServer[]): Promise<string | null> {
  const told = await Promise.all(servers.map(async (server) => String(await server.command('INFO', 'replication'))));
  const replicas = told.filter((info) => info.includes('role:slave'));
  const online = told.flatMap((info) => info.match(/state=online/g) ?? []);
  const areLinked = replicas.every((info) => info.includes('master_link_status:up'));
  return areLinked && online.length >= replicas.length ? null : told.join('\n');
}
