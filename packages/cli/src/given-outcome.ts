// The answer that repeats get after a decision, from a file.
import { readFile } from 'node:fs/promises';
import { ConfigurationError, type RecordView, type ResolveDoubtOptions } from '@onceguard/core';
import { encodeRecoveredResponse, type RecoveredResponse } from '@onceguard/core/http';
import { UsageError } from './usage-error.js';

export interface GivenOutcome {
  readonly options: Pick<ResolveDoubtOptions, 'result' | 'outcome'>;
  /** Throws a `UsageError` where a request would get the result of a function, or the other way round. */
  assertFits(view: RecordView): void;
}

interface OutcomeFiles {
  readonly response?: string | undefined;
  readonly result?: string | undefined;
}

export async function readGivenOutcome({ response, result }: OutcomeFiles): Promise<GivenOutcome> {
  if (response !== undefined && result !== undefined)
    throw new UsageError('Give --response for a request or --result for a function, and not both.');
  if (response !== undefined) {
    const outcome = encodeResponse(await readJson('--response', response));
    return { options: { outcome }, assertFits: refuseKind('function', '--result') };
  }
  if (result === undefined) return { options: {}, assertFits: () => {} };
  return { options: { result: await readJson('--result', result) }, assertFits: refuseKind('request', '--response') };
}

function refuseKind(refused: 'request' | 'function', remedy: string) {
  return ({ kind }: RecordView): void => {
    if (kind !== refused) return;
    throw new UsageError(`This is the record of a ${kind}: give its answer with ${remedy}. Nothing was changed.`);
  };
}

async function readJson(option: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${option} must be a file with JSON: ${error instanceof Error ? error.message : error}.`);
  }
}

/** A body that is no text is sent as JSON, with the content type unless the headers have one. */
function encodeResponse(value: unknown): Uint8Array {
  try {
    if (typeof value !== 'object' || value === null || !('status' in value))
      throw new UsageError('--response must be an object with a status, and headers and a body if you like.');
    const {
      body,
      headers = {},
      ...rest
    } = value as { status: number; headers?: Record<string, string>; body?: unknown };
    const isText = body === undefined || typeof body === 'string';
    const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
    const typed = isText || hasType ? headers : { ...headers, 'content-type': 'application/json' };
    const sent = body === undefined ? '' : isText ? String(body) : JSON.stringify(body);
    return encodeRecoveredResponse({ ...rest, headers: typed, body: sent } satisfies RecoveredResponse);
  } catch (error) {
    if (error instanceof ConfigurationError) throw new UsageError(`--response: ${error.message}`);
    throw error;
  }
}
