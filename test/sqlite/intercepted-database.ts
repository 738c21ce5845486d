// A connection of SQLite whose statements a test sees, and lets fail.
import type { SqliteDatabase, SqliteStatement } from '@onceguard/sqlite';

export interface InterceptedDatabase {
  readonly database: SqliteDatabase;
  /** The scripts that `exec` ran, in order. */
  readonly executed: string[];
  /** Runs in place of the next script or statement that contains `text`. `run` does what was asked for. */
  replaceNext(text: string, replacement: (run: () => unknown) => unknown): void;
}

export function interceptDatabase(real: SqliteDatabase): InterceptedDatabase {
  const executed: string[] = [];
  const replacements: { readonly text: string; readonly replacement: (run: () => unknown) => unknown }[] = [];
  const intercept = (sql: string, run: () => unknown): unknown => {
    const at = replacements.findIndex(({ text }) => sql.includes(text));
    const [found] = at < 0 ? [] : replacements.splice(at, 1);
    return found === undefined ? run() : found.replacement(run);
  };
  const prepare = (sql: string): SqliteStatement => {
    const statement = real.prepare(sql);
    return {
      get: (...values) => intercept(sql, () => statement.get(...values)),
      all: (...values) => intercept(sql, () => statement.all(...values)) as unknown[],
      run: (...values) => intercept(sql, () => statement.run(...values)),
    };
  };
  const exec = (sql: string): unknown => {
    executed.push(sql);
    return intercept(sql, () => real.exec(sql));
  };
  return {
    database: { exec, prepare, close: () => real.close() },
    executed,
    replaceNext: (text, replacement) => void replacements.push({ text, replacement }),
  };
}

/** An error as `node:sqlite` throws it. */
export function sqliteError(errcode: number): Error {
  return Object.assign(new Error(`result code ${errcode}`), { code: 'ERR_SQLITE_ERROR', errcode });
}
