// Sends statements on a client of pg without waiting for the replies in between, where its version can do that.

/** A statement as pg takes it. */
export interface PgStatement {
  readonly text: string;
  readonly values?: unknown[];
  readonly name?: string;
}

export interface PgReply {
  readonly rows: unknown[];
  readonly command?: string;
}

/** What is used of a client. `pipeline` is missing in older versions of pg. */
export interface PipeliningClient {
  query(statement: PgStatement): Promise<PgReply>;
  pipeline?: boolean;
}

/**
 * Resolves with a reply for each. Rejects with the first error once there is a reply to each that was sent: what follows an error in a
 * transaction fails too, and a COMMIT rolls back. Nobody else may use the client meanwhile.
 */
export async function sendTogether(
  client: PipeliningClient,
  statements: readonly PgStatement[],
  mayPipeline: boolean,
): Promise<PgReply[]> {
  const endPipeline = mayPipeline && statements.length > 1 ? beginPipeline(client) : null;
  if (endPipeline === null) return await sendInTurn(client, statements);
  const replies = await Promise.allSettled(statements.map(async (statement) => await client.query(statement)));
  endPipeline();
  return replies.map((reply) => {
    if (reply.status === 'rejected') throw reply.reason;
    return reply.value;
  });
}

/** Returns what puts the client back. Null: it cannot pipeline, or not now. */
function beginPipeline(client: PipeliningClient): (() => void) | null {
  if (client.pipeline === true) return () => {};
  // libpq has another pipeline, which holds statements back.
  if (client.pipeline === undefined || 'native' in client) return null;
  try {
    client.pipeline = true;
  } catch {
    // Later versions refuse it while a statement is under way, which the operation has not awaited.
    return null;
  }
  return () => {
    client.pipeline = false;
  };
}

async function sendInTurn(client: PipeliningClient, statements: readonly PgStatement[]): Promise<PgReply[]> {
  const replies: PgReply[] = [];
  for (const statement of statements) replies.push(await client.query(statement));
  return replies;
}
