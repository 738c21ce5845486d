// Waiting for servers to agree on something, of which they send no word.
import { setTimeout as pause } from 'node:timers/promises';
import type { RedisServer } from './redis-server.js';

const pollIntervalMs = 50;
const waitTimeoutMs = 30_000;

/** Resolves once `obstacle` finds nothing in the way any more; rejects after 30 s with what it found or met with last. */
export async function waitUntil(what: string, findProblem: () => Promise<string | null>): Promise<void> {
  const end = performance.now() + waitTimeoutMs;
  for (;;) {
    const found = await findProblem().catch((error: unknown) => String(error));
    if (found === null) return;
    if (performance.now() > end) throw new Error(`Waited ${waitTimeoutMs} ms for ${what}: ${found}`);
    await pause(pollIntervalMs);
  }
}

/** Resolves when each of the servers that is a replica follows its master. */
export async function waitUntilInSync(servers: readonly RedisServer[]): Promise<void> {
  await waitUntil('replicas to be in sync', async () => await findReplicationProblem(servers));
}

/** What of the replication is not as it should be, as the servers tell it; null where all is well. */
export async function findReplicationProblem(servers: readonly RedisServer[]): Promise<string | null> {
  const told = await Promise.all(servers.map(async (server) => String(await server.command('INFO', 'replication'))));
  const replicas = told.filter((info) => info.includes('role:slave'));
  const online = told.flatMap((info) => info.match(/state=online/g) ?? []);
  const areLinked = replicas.every((info) => info.includes('master_link_status:up'));
  return areLinked && online.length >= replicas.length ? null : told.join('\n');
}
