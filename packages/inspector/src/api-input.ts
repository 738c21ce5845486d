// Reads what the page sends: every member is checked, because anybody can send anything.
import type { RecordNameParts } from '@onceguard/core';
import { ApiError } from './api-error.js';
import type { DecideRequest, DoubtsRequest } from './api-types.js';

const recordNamePattern = /^[A-Za-z0-9_-]{1,128}$/;
const maxText = 2_000;
const maxOutcomeBytes = 1_000_000;

/** A text that is there. `most` is its greatest length. */
export function text(input: unknown, name: string, most = maxText): string {
  const value = optionalText(input, name, most);
  if (value === undefined) throw new ApiError(400, `${name} is missing.`);
  return value;
}

/** Undefined: it is absent or empty. */
function optionalText(input: unknown, name: string, most = maxText): string | undefined {
  const value = member(input, name);
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new ApiError(400, `${name} must be a text.`);
  if (value.length > most) throw new ApiError(400, `${name} must have at most ${most} characters.`);
  return value;
}

export function findRequest(input: unknown): string | RecordNameParts {
  const recordName = optionalText(input, 'recordName', 128)?.trim();
  if (recordName !== undefined) return checkedName(recordName.replace(/^urn:onceguard:record:/, ''));
  const [operation, method, path] = ['operation', 'method', 'path'].map((name) => optionalText(input, name));
  const scope = text(input, 'scope');
  return {
    scope: member(input, 'scopeIsId') === true ? { of: scope } : scope,
    key: text(input, 'key'),
    ...(operation === undefined ? {} : { operation }),
    ...(method === undefined ? {} : { method }),
    ...(path === undefined ? {} : { path }),
  };
}

function checkedName(recordName: string): string {
  if (recordNamePattern.test(recordName)) return recordName;
  throw new ApiError(400, 'A record’s name has only the characters A-Z, a-z, 0-9, _ and -.');
}

export function doubtsRequest(input: unknown): DoubtsRequest {
  const [operation, label] = [optionalText(input, 'operation'), optionalText(input, 'label')];
  const olderThanMs = member(input, 'olderThanMs');
  return {
    cursor: optionalText(input, 'cursor') ?? null,
    ...(operation === undefined ? {} : { operation }),
    ...(label === undefined ? {} : { label }),
    ...(typeof olderThanMs === 'number' ? { olderThanMs } : {}),
  };
}

export function decideRequest(input: unknown): DecideRequest {
  const [as, fencingToken] = [member(input, 'as'), member(input, 'fencingToken')];
  if (as !== 'done' && as !== 'not_done') throw new ApiError(400, 'Say whether it happened.');
  if (typeof fencingToken !== 'number') throw new ApiError(400, 'The fencing token of the doubt is missing.');
  const reason = optionalText(input, 'reason', 500)?.trim();
  if (!reason) throw new ApiError(400, 'A reason is missing: write how you know.');
  const recordName = checkedName(text(input, 'recordName', 128));
  const repeatOutcome = repeatOutcomeOf(member(input, 'repeatOutcome'));
  if (repeatOutcome !== undefined && as === 'not_done')
    throw new ApiError(400, 'Work that did not happen has no answer for repeats.');
  return { recordName, as, fencingToken, reason, ...(repeatOutcome === undefined ? {} : { repeatOutcome }) };
}

function repeatOutcomeOf(input: unknown): DecideRequest['repeatOutcome'] {
  if (input === undefined || input === null) return undefined;
  const kind = member(input, 'kind');
  if (kind === 'result') return { kind, json: text(input, 'json', maxOutcomeBytes) };
  const status = member(input, 'status');
  if (kind !== 'response' || typeof status !== 'number')
    throw new ApiError(400, 'The answer for repeats must be a response with a status, or a result.');
  const contentType = optionalText(input, 'contentType', 200) ?? 'application/json';
  return { kind, status, contentType, body: optionalText(input, 'body', maxOutcomeBytes) ?? '' };
}

function member(input: unknown, name: string): unknown {
  return typeof input === 'object' && input !== null && Object.hasOwn(input, name)
    ? Reflect.get(input, name)
    : undefined;
}
