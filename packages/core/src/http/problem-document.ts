// How a refusal looks on the wire: an RFC 9457 problem document with a stable code.
import { isUint8Array } from 'node:util/types';
import { ConfigurationError, type ErrorCode, errorTable } from '../errors.js';
import { applyHeaderChange, type HeaderEntry, headerLinePattern, headerNamePattern } from './headers.js';
import { callSync } from './option-callbacks.js';

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
const defaultFacts: Partial<Record<ErrorCode, ProblemFacts>> = {
  key_missing: { detail: 'Send a key of your choice with this request, and the same one with every retry of it.' },
  key_reused: { detail: 'One key names one request. Repeat the first request as it was, or use a new key.' },
  in_progress: { detail: 'Repeat this request later, with the same key, to get the answer.' },
  outcome_unknown: {
    detail: 'It is not run again. Find out what happened before you use a new key.',
    completed: 'unknown',
  },
  expired: { detail: 'It is not run again.', completed: true },
  store_unavailable: { detail: 'Repeat this request later, with the same key.' },
  record_damaged: {
    detail: 'It is not run again. The operators of this service have to look into it.',
    completed: 'unknown',
  },
};

const minRetryAfterMs = 1_000;
const maxRetryAfterMs = 3_600_000;

/**
 * A refusal, ready to send. Says when to come back wherever coming back helps: with a retryable code (after a second
 * if nothing better is known), and wherever `retryAfterMs` is given; an hour at most. `Retry-After` is in whole
 * seconds, rounded up. Throws a `ConfigurationError` where `render` throws, or gives what cannot be sent.
 */
export function problemResponse(code: ErrorCode, facts: ProblemFacts = {}, render?: RenderProblem): ProblemResponse {
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
    body: rendered.body,
    document,
  };
}

const typePrefix = 'urn:onceguard:problem:';

/** Whether this JSON is a refusal of onceguard, of whatever service, that does not say what the work came to. */
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

/** Checked before it is sent: what Node refuses later would be nobody's error. */
function renderCustom(render: RenderProblem, document: ProblemDocument): RenderedProblem {
  const given: Partial<ReturnType<RenderProblem>> | undefined = callSync('renderProblem', () => render(document));
  const { contentType, body, status = document.status, headers = {} } = given ?? {};
  if (!isHeaderLine(contentType)) throw invalidRendering('contentType');
  if (!Number.isInteger(status) || status < 200 || status > 599) throw invalidRendering('status');
  const isHeader = ([name, line]: [string, unknown]) => headerNamePattern.test(name) && isHeaderLine(line);
  if (!Object.entries(headers).every(isHeader)) throw invalidRendering('headers');
  if (typeof body !== 'string' && (typeof body !== 'object' || body === null)) throw invalidRendering('body');
  return { contentType, body: callSync('renderProblem', () => encodeBody(body)), status, headers };
}

function isHeaderLine(given: unknown): given is string {
  return typeof given === 'string' && headerLinePattern.test(given);
}

function invalidRendering(member: string): ConfigurationError {
  return new ConfigurationError('option_invalid', `The function renderProblem gave a ${member} that cannot be sent.`);
}

function problemDocument(code: ErrorCode, facts: ProblemFacts): ProblemDocument {
  const { status, retryable, title } = errorTable[code];
  const own = defaultFacts[code];
  const retryAfterMs = facts.retryAfterMs ?? (retryable ? minRetryAfterMs : undefined);
  return {
    type: `${typePrefix}${code}`,
    title,
    status,
    detail: facts.detail ?? own?.detail,
    code,
    retryable,
    retryAfterMs: retryAfterMs === undefined ? undefined : Math.min(Math.ceil(retryAfterMs), maxRetryAfterMs),
    completed: facts.completed ?? own?.completed,
    originalStatus: facts.originalStatus,
    completedAt: facts.completedAt === undefined ? undefined : new Date(facts.completedAt).toISOString(),
  };
}

/** Zero would have clients come back at once, in a loop. */
function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(Math.ceil(retryAfterMs / 1_000), 1);
}

function encodeBody(body: string | Uint8Array | object): Buffer {
  if (isUint8Array(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
