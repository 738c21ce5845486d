// Counts the writes to the socket of a Redis client.
import type { Redis } from 'ioredis';
import type { Redis as Redis5 } from 'ioredis5';
import { vi } from 'vitest';

/** From now on, those with scripts: the check of a new connection writes too. What is written while the socket is corked counts once. */
export function countScriptWrites(client: Redis | Redis5): () => number {
  const { stream } = client;
  const [single, several] = [vi.spyOn(stream, '_write'), vi.spyOn(stream, '_writev')];
  const hasScript = (chunk: unknown) => String(chunk).includes('evalsha');
  return () =>
    single.mock.calls.filter(([chunk]) => hasScript(chunk)).length +
    several.mock.calls.filter(([chunks]) => chunks.some(({ chunk }) => hasScript(chunk))).length;
}
