// Polls servers until they reach a state that they do not announce.
import { setTimeout as pause } from 'node:timers/promises';
import type { RedisServer } from './redis-server.js';

const pollIntervalMs = 50;
const waitTimeoutMs = 60_000;

/** Resolves once `findProblem` finds no problem. Rejects after a minute with the last problem or error. `goal` is for the message. */
export async function waitUntil(goal: string, findProblem: () => Promise<string | null>): Promise<void> {
  const end = performance.now() + waitTimeoutMs;
  for (;;) {
    const problem = await findProblem().catch((error: unknown) => String(error));
    if (problem === null) return;
    if (performance.now() > end) throw new Error(`Waited ${waitTimeoutMs} ms for ${goal}: ${problem}`);
    await pause(pollIntervalMs);
  }
}

/** Resolves when every replica among the servers is in sync with its master. */
export async function waitUntilInSync(servers: readonly RedisServer[]): Promise<void> {
  await waitUntil('replicas to be in sync', async () => await findReplicationProblem(servers));
}

/** What the servers report if some replica is not in sync; null if all are. */
export async function findReplicationProblem(servers: readonly RedisServer[]): Promise<string | null> {
  const infos = await Promise.all(servers.map(async (server) => String(await server.command('INFO', 'replication'))));
  const replicas = infos.filter((info) => info.includes('role:slave'));
  const online = infos.flatMap((info) => info.match(/state=online/g) ?? []);
  const areLinked = replicas.every((info) => info.includes('master_link_status:up'));
  return areLinked && online.length >= replicas.length ? null : infos.join('\n');
}
