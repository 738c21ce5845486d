// The response that refuses a request: an RFC 9457 problem document with a stable code.
import { isUint8Array } from 'node:util/types';
import { ConfigurationError, type ErrorCode, errorTable } from '../errors.js';
import { applyHeaderChange } from './header-change.js';
import { type HeaderEntry, headerNamePattern, isHeaderLine } from './headers.js';
import { callSync } from './option-callbacks.js';
import type { OutgoingResponse } from './response.js';

/**
 * The body of a refusal. It contains nothing of a recorded request: a client that guesses a key learns only what became of the work. The
 * name of the record is a digest of what the client sent.
 */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string | undefined;
  /** `urn:onceguard:record:` and the name of the record, as `lookup` takes it. Left out where the record is not known. */
  readonly instance?: string | undefined;
  readonly code: ErrorCode;
  /** Whether the same request with the same key may succeed later. */
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  /** Whether the work that the key stands for is done. */
  readonly completed?: boolean | 'unknown' | undefined;
  /** The status of the response that is no longer kept. */
  readonly originalStatus?: number | undefined;
  /** When the work was completed: ISO 8601, on the store's clock. */
  readonly completedAt?: string | undefined;
}

/** What is known beyond the code. */
export interface ProblemFacts {
  /** Replaces the usual sentence of the code. It is sent unchanged. */
  readonly detail?: string | undefined;
  /** The name of the record. */
  readonly recordName?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly completed?: boolean | 'unknown' | undefined;
  readonly originalStatus?: number | undefined;
  /** Milliseconds since 1970, on the store's clock. */
  readonly completedAt?: number | undefined;
}

/**
 * Renders a refusal in a format of the application. `status` and `headers` (by name) replace the usual ones. A body that is an object is
 * sent as JSON.
 */
export type RenderProblem = (document: ProblemDocument) => {
  readonly contentType: string;
  readonly body: string | Uint8Array | object;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
};

/** What every refusal with this code says. */
const defaultFacts: Partial<Record<ErrorCode, ProblemFacts>> = {
  key_missing: { detail: 'Send a key of your choice with this request, and the same one with every retry of it.' },
  key_reused: { detail: 'One key names one request. Repeat the first request as it was, or use a new key.' },
  in_progress: { detail: 'Repeat this request later, with the same key, to get the response.' },
  outcome_unknown: {
    detail: 'It is not run again. Find out what happened before you use a new key.',
    completed: 'unknown',
  },
  expired: { detail: 'It is not run again.', completed: true },
  store_unavailable: { detail: 'Repeat this request later, with the same key.' },
  transaction_conflict: { completed: false },
  transaction_refused: { completed: false },
  transaction_timeout: { completed: false },
  record_damaged: {
    detail: 'It is not run again. The operators of this service have to look into it.',
    completed: 'unknown',
  },
};

const minRetryAfterMs = 1_000;
const maxRetryAfterMs = 3_600_000;

/**
 * The response for a refusal. It has `Retry-After` where the code is retryable (one second if nothing better is known) and where
 * `retryAfterMs` is given: in whole seconds, rounded up, an hour at most. Throws a `ConfigurationError` where `render` throws or returns
 * what cannot be sent.
 */
export function problemResponse(code: ErrorCode, facts: ProblemFacts = {}, render?: RenderProblem): OutgoingResponse {
  const document = problemDocument(code, facts);
  const rendered = render === undefined ? renderDefault(document) : renderCustom(render, document);
  const usual: HeaderEntry[] = [
    ['Content-Type', rendered.contentType],
    ['Cache-Control', 'no-store'],
  ];
  if (document.retryAfterMs !== undefined) usual.push(['Retry-After', `${retryAfterSeconds(document.retryAfterMs)}`]);
  return {
    status: rendered.status ?? document.status,
    headers: applyHeaderChange(usual, { set: Object.entries(rendered.headers ?? {}), removed: [] }),
    trailers: [],
    body: rendered.body,
  };
}

const typePrefix = 'urn:onceguard:problem:';
const instancePrefix = 'urn:onceguard:record:';

/** Whether this JSON is a refusal by onceguard, in any service, that does not say what the work came to. */
export function isInconclusiveProblem(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false;
  const { type, retryable, completed }: { type?: unknown; retryable?: unknown; completed?: unknown } = json;
  const isOurs = typeof type === 'string' && type.startsWith(typePrefix);
  return isOurs && (retryable === true || completed === 'unknown');
}

interface RenderedProblem {
  readonly contentType: string;
  readonly body: Buffer;
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

function renderDefault(document: ProblemDocument): RenderedProblem {
  return { contentType: 'application/problem+json', body: encodeBody(document) };
}

/** Checks the rendering before it is sent: what Node refuses later could not be traced to `renderProblem`. */
function renderCustom(render: RenderProblem, document: ProblemDocument): RenderedProblem {
  const returned: Partial<ReturnType<RenderProblem>> | undefined = callSync('renderProblem', () => render(document));
  const { contentType, body, status = document.status, headers = {} } = returned ?? {};
  if (!isHeaderLine(contentType)) throw invalidRendering('contentType');
  if (!Number.isInteger(status) || status < 200 || status > 599) throw invalidRendering('status');
  const isHeader = ([name, line]: [string, unknown]) => headerNamePattern.test(name) && isHeaderLine(line);
  if (!Object.entries(headers).every(isHeader)) throw invalidRendering('headers');
  if (typeof body !== 'string' && (typeof body !== 'object' || body === null)) throw invalidRendering('body');
  return { contentType, body: callSync('renderProblem', () => encodeBody(body)), status, headers };
}

function invalidRendering(member: string): ConfigurationError {
  const message = `The function renderProblem returned a ${member} that cannot be sent.`;
  return new ConfigurationError('option_invalid', message);
}

export function problemDocument(code: ErrorCode, facts: ProblemFacts): ProblemDocument {
  const { status, retryable, title } = errorTable[code];
  const defaults = defaultFacts[code];
  const retryAfterMs = facts.retryAfterMs ?? (retryable ? minRetryAfterMs : undefined);
  return {
    type: `${typePrefix}${code}`,
    title,
    status,
    detail: facts.detail ?? defaults?.detail,
    instance: facts.recordName === undefined ? undefined : `${instancePrefix}${facts.recordName}`,
    code,
    retryable,
    retryAfterMs: retryAfterMs === undefined ? undefined : Math.min(Math.ceil(retryAfterMs), maxRetryAfterMs),
    completed: facts.completed ?? defaults?.completed,
    originalStatus: facts.originalStatus,
    completedAt: facts.completedAt === undefined ? undefined : new Date(facts.completedAt).toISOString(),
  };
}

/** At least one: with zero, clients would retry at once, in a loop. */
function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(Math.ceil(retryAfterMs / 1_000), 1);
}

function encodeBody(body: string | Uint8Array | object): Buffer {
  if (isUint8Array(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
