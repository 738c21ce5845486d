// Counts the round trips of a pool whose connections are open.
import type { Pool } from 'pg';

/** Returns the count so far. What a client sends while it pipelines, and waits for a reply, travels with what it has sent before. */
export function countRoundTrips(pool: Pool): () => number {
  let count = 0;
  pool.on('acquire', (client) => {
    if (Object.hasOwn(client, 'query')) return;
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    let unanswered = 0;
    const counted = async (...args: unknown[]) => {
      if (!client.pipeline || unanswered === 0) count += 1;
      unanswered += 1;
      try {
        return await query(...args);
      } finally {
        unanswered -= 1;
      }
    };
    Object.assign(client, { query: counted });
  });
  return () => count;
}
