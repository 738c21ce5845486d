// The statements of the relay. Each one returns rows.
import { clock } from '../statements.js';

export type OutboxStatements = ReturnType<typeof createOutboxStatements>;

const columns = ['seq', 'id', 'record', 'topic', 'ordering_key', 'payload', 'enqueued_at', 'failures'];
const shown = columns.map((name) => `o.${name}`).join(', ');

/** How long a message waits after its first failure, and at most, in milliseconds. */
const [firstWaitMs, maxWaitMs] = [1_000, 60_000];
const waitMs = `least(${firstWaitMs} * 2 ^ least(o.failures, 16), ${maxWaitMs})::bigint`;

const numbers = (parameter: string) => `string_to_array(${parameter}::text, ',')::bigint[]`;

export function createOutboxStatements(outbox: string) {
  return {
    /** `$1` how many. The first message of each ordering key that is due, and that no other relay has locked. */
    claimHeads: `SELECT ${shown} FROM ${outbox} AS o
      WHERE o.due_at <= ${clock}
        AND NOT EXISTS (SELECT 1 FROM ${outbox} AS e WHERE e.ordering_key = o.ordering_key AND e.seq < o.seq)
      ORDER BY o.seq LIMIT $1::int FOR UPDATE OF o SKIP LOCKED`,

    /** `$1` the locked messages, `$2` how many. The next messages of their keys. */
    following: `SELECT ${shown} FROM ${outbox} AS head JOIN ${outbox} AS o ON o.ordering_key = head.ordering_key AND o.seq > head.seq
      WHERE head.seq = ANY (${numbers('$1')}) ORDER BY o.seq LIMIT $2::int`,

    /** `$1` what was published, `$2` what has failed. */
    settle: `WITH published AS (DELETE FROM ${outbox} AS o WHERE o.seq = ANY (${numbers('$1')})),
      failed AS (
        UPDATE ${outbox} AS o SET failures = o.failures + 1, due_at = ${clock} + ${waitMs} WHERE o.seq = ANY (${numbers('$2')}))
      SELECT true AS is_settled`,
  };
}
