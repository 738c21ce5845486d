// The record that a command is about: by its name, or by what a person knows.
import { type IdempotencyStore, lookup, type RecordNameParts, type RecordView } from '@onceguard/core';
import { UsageError } from './usage-error.js';

const namePattern = /^[A-Za-z0-9_-]{43}$/;

/** The name of a record, also as the `instance` of a problem document has it. */
export function parseRecordName(text: string | undefined): string {
  const name = text?.replace(/^urn:onceguard:record:/, '');
  if (name !== undefined && namePattern.test(name)) return name;
  throw new UsageError(
    'The name of the record must have 43 characters of A-Z a-z 0-9 _ -, as events, onceguard doubts and the member instance of an error response show it.',
  );
}

/** Throws a `UsageError` where the store has no record of this name: a person has copied it from somewhere else. */
export async function requireRecord(store: IdempotencyStore, recordName: string): Promise<RecordView> {
  const view = await lookup(store, recordName);
  if (view !== null) return view;
  throw new UsageError(
    'The store has no record of this name. Is it of another store or --prefix, or has the record expired?',
  );
}

interface PartsOptions {
  readonly scope?: string | undefined;
  readonly key?: string | undefined;
  readonly operation?: string | undefined;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
}

/** Throws a `UsageError` that says which parts name a record. */
export function parseParts({ scope, key, operation, method, path }: PartsOptions): RecordNameParts {
  if (!scope || !key) throw new UsageError('Give the name of the record, or --scope and --key.');
  if (operation !== undefined && (method !== undefined || path !== undefined))
    throw new UsageError('Give --operation for named work, or --method and --path for a request, and not both.');
  if ((method === undefined) !== (path === undefined))
    throw new UsageError('A request is named by --method and --path together.');
  return { scope, key, operation, method, path };
}
