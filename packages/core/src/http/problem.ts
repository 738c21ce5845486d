// How a refusal looks on the wire: an RFC 9457 problem document with a stable code.
import { isUint8Array } from 'node:util/types';
import { ConfigurationError, type ErrorCode, errorTable } from '../errors.js';
import { callNow } from './callback.js';
import { applyHeaders, type HeaderEntry, headerLinePattern, headerNamePattern } from './headers.js';

/** Says nothing of any stored request: whoever guesses a key learns from a refusal only what became of the work. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string | undefined;
  readonly code: ErrorCode;
  /** Whether the same request with the same key may succeed later. */
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  /** Whether the work that the key names is done. */
  readonly completed?: boolean | 'unknown' | undefined;
  /** The status of the answer that is no longer kept. */
  readonly originalStatus?: number | undefined;
  /** ISO 8601, by the store's clock. */
  readonly completedAt?: string | undefined;
}

export interface ProblemFacts {
  /** Replaces the code's own sentence. Goes out as it is. */
  readonly detail?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly completed?: boolean | 'unknown' | undefined;
  readonly originalStatus?: number | undefined;
  /** Milliseconds since 1970. */
  readonly completedAt?: number | undefined;
}

/** Renders refusals otherwise. `status` and `headers` (by name) replace the usual ones; an object body goes as JSON. */
export type RenderProblem = (document: ProblemDocument) => {
  readonly contentType: string;
  readonly body: string | Uint8Array | object;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
};

export interface ProblemResponse {
  readonly status: number;
  readonly headers: readonly HeaderEntry[];
  readonly body: Buffer;
  readonly document: ProblemDocument;
}

/** What every refusal with this code says of itself. */
const ownFacts: Partial<Record<ErrorCode, ProblemFacts>> = {
  key_missing: { detail: 'Send a key of your choice with this request, and the same one with every retry of it.' },
  key_reused: { detail: 'One key names one request. Repeat the first request as it was, or use a new key.' },
  in_progress: { detail: 'Repeat this request later, with the same key, to get the answer.' },
  outcome_unknown: {
    detail: 'It is not run again. Find out what happened before you use a new key.',
    completed: 'unknown',
  },
  response_expired: { detail: 'It is not run again.', completed: true },
  store_unavailable: { detail: 'Repeat this request later, with the same key.' },
  record_damaged: {
    detail: 'It is not run again. The operators of this service have to look into it.',
    completed: 'unknown',
  },
};

const leastRetryMs = 1_000;
const mostRetryMs = 3_600_000;

/**
 * A refusal, ready to send. Says when to come back wherever coming back helps: with a retryable code (after a second
 * if nothing better is known), and wherever `retryAfterMs` is given; an hour at most. `Retry-After` is in whole
 * seconds, rounded up. Throws a `ConfigurationError` where `render` throws, or gives what cannot be sent.
 */
export function problem(code: ErrorCode, facts: ProblemFacts = {}, render?: RenderProblem): ProblemResponse {
  const document = problemDocument(code, facts);
  const rendered = render === undefined ? usualForm(document) : renderedBy(render, document);
  const usual: HeaderEntry[] = [
    ['Content-Type', rendered.contentType],
    ['Cache-Control', 'no-store'],
  ];
  if (document.retryAfterMs !== undefined) usual.push(['Retry-After', `${retryAfterSeconds(document.retryAfterMs)}`]);
  return {
    status: rendered.status ?? document.status,
    headers: applyHeaders(usual, { set: Object.entries(rendered.headers ?? {}), removed: [] }),
    body: rendered.body,
    document,
  };
}

const typePrefix = 'urn:onceguard:problem:';

/** Whether this JSON is a refusal of onceguard, of whatever service, that does not say what the work came to. */
export function isUndecidedProblem(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false;
  const { type, retryable, completed }: { type?: unknown; retryable?: unknown; completed?: unknown } = json;
  const isOurs = typeof type === 'string' && type.startsWith(typePrefix);
  return isOurs && (retryable === true || completed === 'unknown');
}

interface Rendered {
  readonly contentType: string;
  readonly body: Buffer;
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

function usualForm(document: ProblemDocument): Rendered {
  return { contentType: 'application/problem+json', body: encode(document) };
}

/** Checked before it is sent: what Node refuses later would be nobody's error. */
function renderedBy(render: RenderProblem, document: ProblemDocument): Rendered {
  const given: Partial<ReturnType<RenderProblem>> | undefined = callNow('renderProblem', () => render(document));
  const { contentType, body, status = document.status, headers = {} } = given ?? {};
  if (!isLine(contentType)) throw unusable('contentType');
  if (!Number.isInteger(status) || status < 200 || status > 599) throw unusable('status');
  const isHeader = ([name, line]: [string, unknown]) => headerNamePattern.test(name) && isLine(line);
  if (!Object.entries(headers).every(isHeader)) throw unusable('headers');
  if (typeof body !== 'string' && (typeof body !== 'object' || body === null)) throw unusable('body');
  return { contentType, body: callNow('renderProblem', () => encode(body)), status, headers };
}

function isLine(given: unknown): given is string {
  return typeof given === 'string' && headerLinePattern.test(given);
}

function unusable(member: string): ConfigurationError {
  return new ConfigurationError('option_invalid', `The function renderProblem gave a ${member} that cannot be sent.`);
}

function problemDocument(code: ErrorCode, facts: ProblemFacts): ProblemDocument {
  const { status, retryable, title } = errorTable[code];
  const own = ownFacts[code];
  const retryAfterMs = facts.retryAfterMs ?? (retryable ? leastRetryMs : undefined);
  return {
    type: `${typePrefix}${code}`,
    title,
    status,
    detail: facts.detail ?? own?.detail,
    code,
    retryable,
    retryAfterMs: retryAfterMs === undefined ? undefined : Math.min(Math.ceil(retryAfterMs), mostRetryMs),
    completed: facts.completed ?? own?.completed,
    originalStatus: facts.originalStatus,
    completedAt: facts.completedAt === undefined ? undefined : new Date(facts.completedAt).toISOString(),
  };
}

/** Zero would have clients come back at once, in a loop. */
function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(Math.ceil(retryAfterMs / 1_000), 1);
}

function encode(body: string | Uint8Array | object): Buffer {
  if (isUint8Array(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
