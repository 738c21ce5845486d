// What a record says about its work for people and tools: the options `operation` and `label`, and the trace.
import * as z from 'zod';
import { ConfigurationError } from '../errors.js';
import { processWide } from '../process-wide.js';
import {
  isLabel,
  isOperation,
  isTraceparent,
  maxLabelLength,
  maxOperationLength,
} from '../protocol/argument-checks.js';

const operationRule = `it must be 1 to ${maxOperationLength} characters without control characters, such as "create-payment"`;

export const operationField = z.custom<string>(isOperation, operationRule).optional();

/** The operation where no option gives one: `text` if a record can keep it, cut where it is too long. */
export function defaultOperation(text: string, otherwise: string): string {
  const cut = text.slice(0, maxOperationLength);
  return isOperation(cut) ? cut : otherwise;
}

/**
 * The label as the record keeps it. Null: there is none. Throws a `ConfigurationError` (`option_invalid`) for anything else but a
 * string of 1 to 100 characters, undefined and null.
 */
export function checkLabel(label: unknown): string | null {
  if (label === undefined || label === null) return null;
  if (isLabel(label)) return label;
  const shown =
    typeof label === 'string'
      ? `${label.length} characters long, or has control characters`
      : `of type ${typeof label}`;
  const rule = `it must be a string of 1 to ${maxLabelLength} characters without control characters, or undefined for none`;
  throw new ConfigurationError('option_invalid', `The label is ${shown}; ${rule}.`);
}

/** Returns the `traceparent` of what runs now. */
export type TraceparentSource = () => string | undefined;

/**
 * Sets where records take their trace from, for all work of this process: `source` is called once for each acquisition, in the async
 * context of the caller, and returns a W3C `traceparent`. Undefined, and any text of another form: the `traceparent` header of the
 * request counts, and a function has no trace. A `source` that throws counts as undefined, because a trace must not keep work from
 * running. A later call replaces the source.
 *
 * @returns a function that removes the source
 *
 * @example
 * const remove = provideTraceparent(() => {
 *   const span = trace.getActiveSpan()?.spanContext();
 *   return span && `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 1}`;
 * });
 */
export function provideTraceparent(source: TraceparentSource): () => void {
  if (typeof source !== 'function') {
    const rule = 'it must be a function that returns a traceparent';
    throw new ConfigurationError(
      'argument_invalid',
      `provideTraceparent() got a value of type ${typeof source}; ${rule}.`,
    );
  }
  const provided = providedSource();
  provided.source = source;
  return () => {
    if (provided.source === source) provided.source = null;
  };
}

/** The trace that a record keeps: of the source that was provided, else `received`, the header of the request. */
export function currentTraceparent(received?: string): string | null {
  const { source } = providedSource();
  return (source === null ? null : toTraceparent(callSource(source))) ?? toTraceparent(received);
}

function providedSource(): { source: TraceparentSource | null } {
  return processWide('traceparent/1', () => ({ source: null }));
}

function callSource(source: TraceparentSource): unknown {
  try {
    return source();
  } catch {
    return undefined;
  }
}

/** Newer versions of the header begin with the four fields of version 00, and may have more. */
const newerVersionPattern = /^(?!ff)[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?:-.*)?$/;

function toTraceparent(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  if (isTraceparent(value)) return value;
  if (value.startsWith('00')) return null;
  const fields = newerVersionPattern.exec(value)?.[1];
  const asVersion00 = `00${fields ?? ''}`;
  return isTraceparent(asVersion00) ? asVersion00 : null;
}
