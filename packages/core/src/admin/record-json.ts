// A record as JSON, for pages, scripts and logs: the state in words, times as ISO texts, bodies as text where they are text.
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { DecodedResponse } from '../http/decoded-response.js';
import type { OutcomeView, RecordView, RecordViewState, StepView } from './record-view.js';

/** Bytes as people can read them. `text`: they are UTF-8, decompressed if they were compressed. Else `base64` has them as recorded. */
export type BodyJson =
  | { readonly bytes: number; readonly text: string }
  | { readonly bytes: number; readonly base64: string };

export type OutcomeJson =
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly reason: string | null;
      readonly headers: readonly (readonly [name: string, value: string])[];
      readonly body: BodyJson;
    }
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly name: string; readonly message: string }
  | { readonly kind: 'unreadable'; readonly reason: string };

export interface StepJson extends Omit<StepView, 'result'> {
  /** The recorded result as JSON; absent where there is none. */
  readonly result?: unknown;
}

/** A `RecordView` whose times are ISO 8601 texts and whose values are JSON. */
export type RecordJson = Omit<
  {
    readonly [Member in keyof RecordView]: RecordView[Member] extends Date | null ? string | null : RecordView[Member];
  },
  'steps' | 'outcome' | 'decisions'
> & {
  /** What the state means, as a sentence. */
  readonly meaning: string;
  readonly steps: readonly StepJson[];
  readonly outcome: OutcomeJson | null;
  readonly decisions: readonly (Omit<RecordView['decisions'][number], 'at'> & { readonly at: string })[];
};

const meanings: Readonly<Record<RecordViewState, string>> = {
  in_progress: 'An attempt is at work now. A repeat has to wait for it.',
  outcome_unknown: 'The work may have taken effect, and nobody knows. Nothing runs until somebody decides.',
  abandoned: 'The process that did the work vanished. The next repeat runs the work again.',
  retryable: 'The last attempt left no outcome. The next repeat runs the work.',
  completed: 'The work is done. Every repeat gets the recorded outcome.',
  expired: 'The work is done. Its outcome is no longer kept: a repeat is refused as expired.',
  removed: 'Somebody removed the record. The next request with this key runs the work.',
};

/** The largest body that is decompressed to be shown. */
const maxDecompressedBytes = 1_048_576;

const decompress: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes, { maxOutputLength: maxDecompressedBytes }),
  deflate: (bytes) => inflateSync(bytes, { maxOutputLength: maxDecompressedBytes }),
  br: (bytes) => brotliDecompressSync(bytes, { maxOutputLength: maxDecompressedBytes }),
};

/**
 * The record as plain JSON: what `JSON.stringify` would make of a `RecordView` loses bodies and values that JSON does not have. It has
 * everything that is on record, recorded bodies included, so treat it as you treat the responses themselves. Never throws for what
 * `lookup` returned.
 *
 * @example
 * const view = await lookup(store, { scope: 'alice', key: 'order-17', method: 'POST', path: '/payments' });
 * if (view !== null) console.log(JSON.stringify(toRecordJson(view), null, 2));
 */
export function toRecordJson(view: RecordView): RecordJson {
  const { steps, outcome, decisions, ...rest } = view;
  return {
    ...rest,
    meaning: meanings[view.state],
    readAt: view.readAt.toISOString(),
    firstAcquiredAt: isoOrNull(view.firstAcquiredAt),
    acquiredAt: isoOrNull(view.acquiredAt),
    leaseEndAt: isoOrNull(view.leaseEndAt),
    completedAt: isoOrNull(view.completedAt),
    retryAt: isoOrNull(view.retryAt),
    outcomeExpiresAt: isoOrNull(view.outcomeExpiresAt),
    expiresAt: view.expiresAt.toISOString(),
    steps: steps.map(({ result, ...step }) => (step.state === 'done' ? { ...step, result: toJson(result) } : step)),
    outcome: outcome === null ? null : outcomeJson(outcome),
    decisions: decisions.map((decision) => ({ ...decision, at: decision.at.toISOString() })),
  };
}

function isoOrNull(at: Date | null): string | null {
  return at === null ? null : at.toISOString();
}

function outcomeJson(outcome: OutcomeView): OutcomeJson {
  switch (outcome.kind) {
    case 'response':
      return responseJson(outcome.response);
    case 'result':
      return { kind: 'result', value: toJson(outcome.value) };
    case 'error':
      return { kind: 'error', name: outcome.error.name, message: outcome.error.message };
    case 'unreadable':
      return outcome;
  }
}

function responseJson({ status, reason, headers, body }: DecodedResponse): OutcomeJson {
  const lines = headers.flatMap(([name, value]) => [value].flat().map((line) => [name, String(line)] as const));
  const encoding = lines.find(([name]) => name.toLowerCase() === 'content-encoding')?.[1];
  return { kind: 'response', status, reason, headers: lines, body: bodyJson(body, encoding) };
}

function bodyJson(body: Uint8Array, encoding: string | undefined): BodyJson {
  const bytes = body.byteLength;
  try {
    const plain = encoding === undefined ? body : (decompress[encoding.trim().toLowerCase()]?.(body) ?? body);
    return { bytes, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain) };
  } catch {
    return { bytes, base64: Buffer.from(body).toString('base64') };
  }
}

/** What a record can hold and JSON cannot: as text. `undefined` is null. */
function toJson(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object') return value;
  // A null prototype: a member may be named __proto__.
  const members = Object.entries(value).map(([name, member]) => [name, toJson(member)] as const);
  return Object.assign(Object.create(null), Object.fromEntries(members));
}
