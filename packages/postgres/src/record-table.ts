// Look and swap: one statement reads a record, the protocol decides, and one statement writes if nobody came between.
import { StoreError } from '@onceguard/core';
import type { KeyedRecord, SqlRow, SqlValue } from '@onceguard/core/sql';
import type { StoredRecord, Transition } from '@onceguard/core/store';
import { isConflict } from './postgres-error.js';
import {
  decodeLook,
  decodeNow,
  decodeRow,
  decodeSeenRow,
  decodeStep,
  dueAt,
  encodeRow,
  type Look,
  type SeenRow,
  type Steps,
} from './record-row.js';
import type { SqlClient } from './sql-client.js';
import type { Statements } from './statements.js';

/** Whoever loses so often has met no rivals, but a client whose rows are not what the statements return. */
export const maxRounds = 100;

const noDeadline = Number.MAX_SAFE_INTEGER;

/** A key of a page, with its record; null: this version cannot read it. */
export class RecordTable {
  readonly #client: SqlClient;
  readonly #statements: Statements;
  readonly #isConflict: (error: unknown) => boolean;

  /** `inTransaction`: the statements are a part of one transaction, which a conflict ends. None is repeated then. */
  constructor(client: SqlClient, statements: Statements, { inTransaction = false } = {}) {
    this.#client = client;
    this.#statements = statements;
    this.#isConflict = inTransaction ? () => false : isConflict;
  }

  /**
   * Runs a verb. `before`: what the protocol allows only until then is not written later, because the verb decides by the clock of
   * the look. A verb that depends on the steps of the record asks for them by `withSteps`.
   */
  async transition<Reply>(
    key: string,
    apply: (record: StoredRecord | null, now: number) => Transition<Reply>,
    { first, before = () => noDeadline, withSteps = false }: TransitionOptions<Reply> = {},
  ): Promise<{ readonly reply: Reply; readonly record: StoredRecord | null }> {
    let seen = first ?? (await this.look(key));
    for (let round = 0; round < maxRounds; round += 1) {
      const look = withSteps ? await this.#readSteps(key, seen) : seen;
      const { record, reply } = apply(look.record, look.now);
      if (record === null || record === look.record) return { reply, record };
      if (await this.swap(key, look, record, before(reply))) return { reply, record };
      seen = await this.look(key);
    }
    throw contentionError();
  }

  async look(key: string): Promise<Look> {
    return decodeLook(await this.#lookRow(key));
  }

  /** The record with its steps. They are read afterwards: the record may have changed meanwhile. */
  async read(key: string): Promise<Look> {
    return await this.#readSteps(key, await this.look(key));
  }

  /** The same for a row of the statement `look`. */
  async completeLook(key: string, row: SqlRow): Promise<Look> {
    return await this.#readSteps(key, decodeLook(row));
  }

  /** The steps that count for the record as it is now. */
  async steps(key: string): Promise<Steps> {
    return (await this.read(key)).record?.steps ?? new Map();
  }

  /** Replaces a record, also one that cannot be read: `next` gets null for it, and the fencing token that it has. Returns the clock. */
  async replace(
    key: string,
    next: (now: number, record: StoredRecord | null, fencingToken: number) => StoredRecord | null,
  ): Promise<number> {
    for (let round = 0; round < maxRounds; round += 1) {
      const row = await this.#lookRow(key);
      const now = decodeNow(row);
      const seen = decodeSeenRow(row);
      if (seen === null) return now;
      const record = readableRecord(row);
      const replacement = next(now, record, seen.fencingToken);
      if (replacement === null || replacement === record) return now;
      const values = updateValues(key, seen, replacement, noDeadline);
      if ((await this.tryWrite(this.#statements.updateDroppingSteps, values)) !== null) return now;
    }
    throw contentionError();
  }

  /** At most `limit` records with keys above `after`, in the order of their keys: of all, or of those that may be in doubt. */
  async page(
    of: 'all' | 'may be in doubt',
    after: string,
    limit: number,
  ): Promise<{ readonly now: number; readonly records: readonly KeyedRecord[] }> {
    const { page, doubtPage } = this.#statements;
    const rows = await this.#rowsOfRead(of === 'all' ? page : doubtPage, [after, limit]);
    const found = rows.filter((row) => decodeSeenRow(row) !== null);
    const stepsOf = await this.#stepsOfPage(found);
    const records = found.map((row) => ({ key: String(row.key), record: readableRecord(row, stepsOf(row)) }));
    return { now: decodeNow(rows[0] ?? {}), records };
  }

  /** The first row of a statement that writes. Null: its conditions did not hold, or it came second and was rolled back. */
  async tryWrite(text: string, values: readonly SqlValue[]): Promise<SqlRow | null> {
    try {
      return (await this.#client.rows(text, values))[0] ?? null;
    } catch (error) {
      if (this.#isConflict(error)) return null;
      throw error;
    }
  }

  async #lookRow(key: string): Promise<SqlRow> {
    const [row, ...others] = await this.#rowsOfRead(this.#statements.look, [key]);
    if (row === undefined || others.length > 0)
      throw new StoreError('bug', 'A look returned something else than one row.');
    return row;
  }

  /** Under SERIALIZABLE a statement that only reads can be rolled back too. */
  async #rowsOfRead(text: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    for (let round = 0; round < maxRounds; round += 1) {
      try {
        return await this.#client.rows(text, values);
      } catch (error) {
        if (!this.#isConflict(error)) throw error;
      }
    }
    throw contentionError();
  }

  /**
   * True if what was seen still stood and `next` was written. A version begins anew after a purge; so a write that was long under way is
   * told from the next life of the key by both tokens too.
   */
  async swap(key: string, look: Look, next: StoredRecord, before = noDeadline): Promise<boolean> {
    const { text, values } = this.swapStatement(key, look, next, before);
    return (await this.tryWrite(text, values)) !== null;
  }

  swapStatement(key: string, { record, row }: Look, next: StoredRecord, before = noDeadline): SwapStatement {
    if (row !== null && record !== null)
      return { text: this.#updateStatement(record, next), values: updateValues(key, row, next, before) };
    return { text: this.#statements.insert, values: [key, ...encodeRow(next), before, dueAt(next)] };
  }

  #updateStatement(record: StoredRecord, next: StoredRecord): string {
    const { update, updateDroppingIntents, updateDroppingSteps } = this.#statements;
    if (next.steps === record.steps) return update;
    // The protocol drops some steps in one case: the decision that the work was not done.
    return next.state === 'retryable' ? updateDroppingIntents : updateDroppingSteps;
  }

  async #readSteps(key: string, look: Look): Promise<Look> {
    const { record, row } = look;
    if (record === null || row === null || row.life === null) return look;
    const stepsOf = stepsByRecord(await this.#rowsOfRead(this.#statements.steps, [key]));
    const steps = stepsOf(key, row.life);
    return { ...look, record: { ...record, steps } };
  }

  async #stepsOfPage(rows: readonly SqlRow[]): Promise<(row: SqlRow) => Steps> {
    const lives = new Map(rows.map((row) => [row, decodeSeenRow(row)?.life ?? null]));
    const keys = rows.filter((row) => lives.get(row) !== null).map(({ key }) => String(key));
    if (keys.length === 0) return () => new Map();
    const stepsOf = stepsByRecord(await this.#rowsOfRead(this.#statements.steps, [keys.join(',')]));
    return (row) => stepsOf(String(row.key), lives.get(row) ?? null);
  }
}

export interface TransitionOptions<Reply> {
  /** A look that was taken already. */
  readonly first?: Look | undefined;
  readonly before?: ((reply: Reply) => number) | undefined;
  readonly withSteps?: boolean | undefined;
}

interface SwapStatement {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

function updateValues(
  key: string,
  { version, ownerToken, fencingToken }: SeenRow,
  next: StoredRecord,
  before: number,
): SqlValue[] {
  return [key, ...encodeRow(next), before, dueAt(next), version, ownerToken, fencingToken];
}

function stepsByRecord(rows: readonly SqlRow[]): (key: string, life: string | null) => Steps {
  return (key, life) => new Map(rows.filter((row) => row.record === key && row.life === life).map(decodeStep));
}

function readableRecord(row: SqlRow, steps: Steps = new Map()): StoredRecord | null {
  try {
    return decodeRow(row, steps);
  } catch (error) {
    if (error instanceof StoreError && error.unreadable) return null;
    throw error;
  }
}

export function contentionError(): StoreError {
  return new StoreError('unavailable', `Other callers changed the record ${maxRounds} times in a row.`);
}
