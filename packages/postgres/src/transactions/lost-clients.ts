// Keeps the process alive when a client of pg loses its connection within a transaction of a library that does not listen.

interface PgPoolEvents {
  on(event: 'acquire', listener: (client: PgClientEvents) => void): unknown;
}

interface PgClientEvents {
  on(event: 'error', listener: () => void): unknown;
}

/**
 * A client that was taken out of its pool emits `error` when its connection is lost between two statements. Without a listener that ends
 * the process. The transaction fails by its next statement all the same. Does nothing where the library has no pool of pg.
 */
export function listenToLostClients(db: object): void {
  const pool = '$client' in db ? db.$client : null;
  if (!isPool(pool)) return;
  const known = new WeakSet<object>();
  pool.on('acquire', (client) => {
    if (known.has(client)) return;
    known.add(client);
    client.on('error', () => {});
  });
}

function isPool(value: unknown): value is PgPoolEvents {
  return typeof value === 'object' && value !== null && 'totalCount' in value && 'on' in value;
}
