// The relay: publishes the messages of the outbox at least once, those of one ordering key in their order, in any number of processes.

import type { SqlRow } from '@onceguard/core/sql';
import { toBytes } from '@onceguard/core/sql';
import { toStoreError } from '../postgres-error.js';
import { toInteger } from '../record-row.js';
import type { RowsClient } from '../sql-client.js';
import { OutboxBatch, type QueuedMessage } from './outbox-batch.js';
import type { OutboxStatements } from './outbox-statements.js';
import type { CheckedRelayOptions, RelayedMessage, RelayHandler } from './relay-options.js';

const maxFailurePauseMs = 30_000;

/** Runs until the signal aborts. Never rejects: what fails is tried again. */
export async function runRelay(
  statements: OutboxStatements,
  handler: RelayHandler,
  options: CheckedRelayOptions,
): Promise<void> {
  const { signal, pollMs, onError } = options;
  let failures = 0;
  // A role that may not delete would publish the same messages again and again.
  let mustCheckRights = true;
  while (!signal.aborted) {
    try {
      if (mustCheckRights) await checkRights(statements, options);
      mustCheckRights = false;
      const published = await relayBatch(statements, handler, options);
      failures = 0;
      if (published === 0) await pause(pollMs, signal);
    } catch (error) {
      onError(toStoreError('relay', error), null);
      mustCheckRights = true;
      failures += 1;
      await pause(Math.min(pollMs * 2 ** failures, maxFailurePauseMs), signal);
    }
  }
}

/** Deletes and updates no message, which the server refuses without these rights. */
async function checkRights({ settle }: OutboxStatements, { transactions }: CheckedRelayOptions): Promise<void> {
  await transactions.run(async (tx) => await transactions.client(tx).rows(settle, ['', '']));
}

/** Returns how many messages were published. */
async function relayBatch(
  statements: OutboxStatements,
  handler: RelayHandler,
  options: CheckedRelayOptions,
): Promise<number> {
  const { transactions } = options;
  return await transactions.run(async (tx) => {
    const client = transactions.client(tx);
    const queues = await claimQueues(client, statements, options.batchSize);
    if (queues.length === 0) return 0;
    const batch = new OutboxBatch(handler, options);
    await batch.publish(queues);
    await client.rows(statements.settle, [batch.published.join(','), batch.failed.join(',')]);
    return batch.published.length;
  });
}

/** The first message of each free ordering key is locked; the lock stands for the key. The next ones of these keys follow. */
async function claimQueues(
  client: RowsClient,
  statements: OutboxStatements,
  batchSize: number,
): Promise<QueuedMessage[][]> {
  const heads = (await client.rows(statements.claimHeads, [batchSize])) as SqlRow[];
  const left = batchSize - heads.length;
  const headSeqs = heads.map(({ seq }) => String(seq)).join(',');
  const others =
    heads.length > 0 && left > 0 ? ((await client.rows(statements.following, [headSeqs, left])) as SqlRow[]) : [];
  const queues = new Map<string, QueuedMessage[]>(heads.map((row) => [String(row.ordering_key), [toMessage(row)]]));
  for (const row of others) queues.get(String(row.ordering_key))?.push(toMessage(row));
  return [...queues.values()];
}

function toMessage(row: SqlRow): QueuedMessage {
  const payload = toBytes(row.payload, 'payload');
  const message: RelayedMessage = {
    id: String(row.id),
    topic: String(row.topic),
    payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    orderingKey: String(row.ordering_key),
    recordName: String(row.record),
    enqueuedAt: toInteger(row.enqueued_at),
    failures: toInteger(row.failures),
  };
  return { seq: String(row.seq), message };
}

/** Ends early when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
