// What a database has to do so that `CompareAndSwapStore` keeps records in it: rows with a version, and writes that compare it.

/**
 * A table of your database. The store decides by the protocol; these functions read and write rows, and decide nothing.
 *
 * - **Each function is one statement, or one request.** A write compares and writes in one atomic step, and is durable when it resolves.
 * - **Reads are not stale.** They find every write that has been acknowledged: read from the primary, with the strongest consistency.
 * - **One clock.** `now` is the clock of the database, or another one that all processes share. Leases end by it.
 * - **`writeBefore` counts when the row is written**, in milliseconds of that clock: a statement that waits for a lock looks after it. It is
 *   1e15, in the year 33658, where nothing limits a write.
 * - **Keys are exact.** Two keys that differ only in case are two rows: choose a binary or case-sensitive collation. Keys have 1 to 128
 *   characters of `A-Z a-z 0-9 _ -`, and versions 36.
 * - **An exception means that the call failed.** After a write nobody knows then whether it took effect; the call is sent again, and the
 *   protocol recognises its own work. That a row was not as expected is no exception: the write resolves with false.
 *
 * `docs/own-store.md` has a table on PostgreSQL.
 */
export interface CompareAndSwapTable {
  /** The row of the key, and the clock. */
  read(key: string): Promise<TableRead>;
  /** Adds the row. False: there is a row with this key, or it is `writeBefore` or later; then nothing was written. */
  insert(row: WrittenRow, writeBefore: number): Promise<boolean>;
  /** Replaces the row that has this key and `seenVersion`. False: there is none, or it is `writeBefore` or later; then nothing was written. */
  update(row: WrittenRow, seenVersion: string, writeBefore: number): Promise<boolean>;
  /** Deletes the row with this key and version. False: there is none. */
  delete(key: string, seenVersion: string): Promise<boolean>;
  /** A page of rows, and the clock. */
  list(request: TablePageRequest): Promise<TablePage>;
  /** Optional. Called once, by `close()` of the store. */
  close?(): Promise<void>;
}

/** The columns of a row that the store reads again. */
export interface StoredRow {
  readonly key: string;
  /** New for every write, and never used twice. */
  readonly version: string;
  /** The record, as `encodeRecord` returns it: bytes, which no column may shorten or convert. */
  readonly record: Uint8Array;
}

/** A row as the store writes it. The further columns are for your statements and for your database. */
export interface WrittenRow extends StoredRow {
  /** For `list`: an index of the rows where this is true keeps lists of doubts cheap. */
  readonly mayBeInDoubt: boolean;
  /** For `list`: from this time on `purge` deletes the row, or its outcome. In milliseconds of the store's clock. */
  readonly dueAt: number;
  /** From this time on the database may delete the row by itself (a TTL index). In milliseconds of the store's clock. */
  readonly deletableAt: number;
}

export interface TableRead {
  /** In milliseconds since 1970, a whole number. */
  readonly now: number;
  /** Null: there is none. */
  readonly row: StoredRow | null;
}

export interface TablePageRequest {
  /** Which rows: all, those whose `mayBeInDoubt` is true, or those whose `dueAt` is not later than the clock. */
  readonly filter: 'none' | 'mayBeInDoubt' | 'due';
  /** The page begins after this key; `''` for the first one. */
  readonly after: string;
  /** How many rows at most. Fewer mean that these are the last ones. */
  readonly limit: number;
}

export interface TablePage {
  /** In milliseconds since 1970, a whole number. */
  readonly now: number;
  /** In the order of their keys, or in any other order that stays the same and in which `after` finds its place. */
  readonly rows: readonly StoredRow[];
}
