// What an error of PostgreSQL or of its driver means: whether the statement was executed, and what has to be done.
import { StoreError, type StoreErrorClass, type StoreErrorOptions } from '@onceguard/core';
import type { TransactionFailure } from '@onceguard/core/store';

interface ErrorKind {
  readonly pattern: RegExp;
  readonly storeClass: StoreErrorClass;
  readonly remedy?: string;
  readonly refusal?: StoreErrorOptions['refusal'];
}

const missingSchema =
  'Create the tables: `await store.migrate()`, or the SQL of `migrationSql()`. See docs/postgres.md#schema.';
const readOnly =
  'It is a read replica, or read-only by its settings. Give the store the address of the primary, and no client that splits reads from writes.';

/** By SQLSTATE, or by the code of a driver. The first one that matches decides. Every other SQLSTATE is a bug. */
const errorKinds: readonly ErrorKind[] = [
  { pattern: /^25006$/, storeClass: 'unavailable', remedy: readOnly },
  { pattern: /^(40001|40P01|55P03|57014|57P03|0A000|53[0234]00)$/, storeClass: 'unavailable' },
  {
    pattern: /^53100$/,
    storeClass: 'misconfigured',
    refusal: 'full',
    remedy: 'The disk of the server is full: free space.',
  },
  { pattern: /^54000$/, storeClass: 'unavailable', refusal: 'too_large' },
  { pattern: /^(08001|08004)$/, storeClass: 'unavailable' },
  { pattern: /^(08...|40003|57P01|57P02|57P04|57P05|58...|XX...)$/, storeClass: 'unknown' },
  { pattern: /^(42P01|3F000)$/, storeClass: 'misconfigured', remedy: missingSchema },
  {
    pattern: /^(42703|42P10|42804)$/,
    storeClass: 'misconfigured',
    remedy: `The schema is older than this version. ${missingSchema}`,
  },
  { pattern: /^42501$/, storeClass: 'misconfigured', remedy: 'Give the role the rights of docs/postgres.md#rights.' },
  {
    pattern: /^(42P05|26000)$/,
    storeClass: 'misconfigured',
    remedy: 'A pooler does not keep prepared statements: set `prepare: false`.',
  },
  { pattern: /^(28...|3D000|42883)$/, storeClass: 'misconfigured' },
  {
    pattern: /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CONNECTION_ENDED|CONNECT_TIMEOUT)$/,
    storeClass: 'unavailable',
  },
  {
    pattern: /^(ECONNRESET|EPIPE|ETIMEDOUT|ECONNABORTED|CONNECTION_CLOSED|CONNECTION_DESTROYED)$/,
    storeClass: 'unknown',
  },
];

/** What drivers say without a code. None of these sentences has a statement or a value in it. */
const driverMessages: readonly { readonly pattern: RegExp; readonly storeClass: StoreErrorClass }[] = [
  { pattern: /^timeout exceeded when trying to connect/i, storeClass: 'unavailable' },
  { pattern: /^Cannot use a pool after calling end on the pool/, storeClass: 'misconfigured' },
  { pattern: /^Client was closed and is not queryable/, storeClass: 'misconfigured' },
  {
    pattern: /^Connection terminated|^Query read timeout|^Client has encountered a connection error/,
    storeClass: 'unknown',
  },
  { pattern: /^The client of PostgresStore did not return/, storeClass: 'misconfigured' },
];

interface CodedError {
  readonly code: string;
  readonly message: string;
}

const sqlStatePattern = /^[0-9A-Z]{5}$/;
/** Codes of Prisma, which has five characters too. */
const prismaPattern = /^P[12]\d{3}$/;

/** The innermost error with a code that says something: libraries wrap the error of the driver. */
function findCodedError(error: unknown): CodedError | null {
  let at = error;
  for (let depth = 0; depth < 5 && typeof at === 'object' && at !== null; depth += 1) {
    const { code, originalCode, message, cause, meta } = at as Record<string, unknown>;
    const known = [originalCode, code].find(isKnownCode);
    if (known !== undefined) return { code: known, message: String(message ?? '') };
    at = cause ?? (meta as Record<string, unknown> | undefined)?.driverAdapterError;
  }
  return null;
}

function isKnownCode(code: unknown): code is string {
  if (typeof code !== 'string' || prismaPattern.test(code)) return false;
  return sqlStatePattern.test(code) || errorKinds.some(({ pattern }) => pattern.test(code));
}

/**
 * Nothing was written, and the same statement may find another state: a serialization failure, a deadlock, or a write that waited for a
 * lock until it was too late (`lateWriteState`).
 */
export function isConflict(error: unknown): boolean {
  const code = findCodedError(error)?.code;
  return code === '40001' || code === '40P01' || code === lateWriteState;
}

/** Division by zero: how a statement rolls itself back that waited for a lock until it must not write any more. */
const lateWriteState = '22012';

/** Square root of a negative number: the same for a statement that found itself outside of the transaction that it belongs to. */
const notClaimedState = '2201F';

/** Why a statement of `createTransactionStatements` has written no record. Null: the error says something else. */
export function notWritten(error: unknown): 'overtaken' | 'not_claimed' | null {
  const code = findCodedError(error)?.code;
  if (code === lateWriteState) return 'overtaken';
  return code === notClaimedState ? 'not_claimed' : null;
}

/**
 * What an error says about the transaction in which it came. Errors about the connection, the server's own failures (57, 58, XX) and
 * errors without a code leave open whether a COMMIT that was on its way has been executed.
 */
export function transactionFailure(error: unknown): TransactionFailure {
  const code = findCodedError(error)?.code;
  if (code === '40001' || code === '40P01' || isPrismaConflict(error)) return 'conflict';
  return code !== undefined && /^(?!08|40003|57|58|XX)[0-9A-Z]{5}$/.test(code) ? 'refused' : 'in_doubt';
}

/** Prisma has a code of its own for both. */
function isPrismaConflict(error: unknown): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'code') === 'P2034';
}

/** A pooler has given the connection another session. The server did not find the statement, or found another one of its name. */
export function refusesPreparedStatements(error: unknown): boolean {
  const code = findCodedError(error)?.code;
  return code === '26000' || code === '42P05';
}

/**
 * Never has the statement or its values, which may be personal: of the server it repeats only messages about connections, rights and
 * names. For the same reason it has no `cause`.
 */
export function toStoreError(what: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const coded = findCodedError(error);
  return coded === null ? uncodedError(what, error) : codedError(what, coded);
}

function codedError(what: string, { code, message }: CodedError): StoreError {
  const kind = errorKinds.find(({ pattern }) => pattern.test(code));
  const failed = `PostgreSQL failed to ${what}`;
  if (kind === undefined) return new StoreError('bug', `${failed} (${code}).`);
  const { storeClass, remedy, refusal } = kind;
  const text = `${failed}: ${firstLine(message)} (${code}).${remedy === undefined ? '' : ` ${remedy}`}`;
  return new StoreError(storeClass, text, refusal === undefined ? {} : { refusal });
}

/** Without a code nobody knows whether the statement was executed. */
function uncodedError(what: string, error: unknown): StoreError {
  const message = error instanceof Error ? error.message : '';
  const known = driverMessages.find(({ pattern }) => pattern.test(message));
  const failed = `PostgreSQL failed to ${what}`;
  if (known !== undefined) return new StoreError(known.storeClass, `${failed}: ${firstLine(message)}.`);
  const name = error instanceof Error ? error.name : typeof error;
  return new StoreError('unknown', `${failed}: the client reported ${name} without a code.`);
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').slice(0, 200).replace(/\.$/, '');
}
