// Sends what an execution came to: the captured response, a replay, or the facts of a refusal.
import type { Execution } from '../engine/execution.js';
import type { HeaderEntry } from './headers.js';
import type { HttpExchange } from './http-exchange.js';
import type { ProblemFacts } from './problem-document.js';
import { toReplay } from './recorded-response.js';
import type { RequestResult } from './request-work.js';

const noHeaders: readonly HeaderEntry[] = [];
const replayHeaders: readonly HeaderEntry[] = [['Idempotent-Replayed', 'true']];
const unrecordedHeaders: readonly HeaderEntry[] = [['Idempotency-Recorded', 'false']];

/** Throws the error of `classify` or `isFinal`. */
export function sendResult(exchange: HttpExchange, result: RequestResult, isRecorded: boolean): Promise<void> | void {
  if (result.from !== 'handler') {
    const extra = isRecorded ? replayHeaders : [...replayHeaders, ...unrecordedHeaders];
    return exchange.sendReplay(toReplay(result.response, exchange.outerHeaders(), extra));
  }
  const { response, settlement, bypassed, classificationFailure } = result;
  if (classificationFailure !== null) throw classificationFailure.error;
  if (response === null) return exchange.abortResponse();
  const isUnrecorded = settlement.as === 'done' && !isRecorded;
  // The head of a streaming response was sent and cannot say any more that it is not on record. The end is withheld instead.
  if (isUnrecorded && response.isStreaming && !bypassed) return exchange.abortResponse();
  return exchange.sendCaptured(isUnrecorded ? unrecordedHeaders : noHeaders);
}

/** An execution without a response to send. Its kind is the code of the refusal. */
export type Refusal = Exclude<Execution<unknown>, { kind: 'executed' | 'replayed' }>;

export function refusalFacts(refusal: Refusal): ProblemFacts {
  switch (refusal.kind) {
    case 'key_reused':
      return {};
    case 'in_progress':
      return { retryAfterMs: refusal.retryAfterMs };
    case 'outcome_unknown':
      return refusal.retryAfterMs === null ? {} : { retryAfterMs: refusal.retryAfterMs };
    case 'expired': {
      const { completedAt, note } = refusal;
      return { completedAt, ...(note === null ? {} : { originalStatus: Number(note) }) };
    }
  }
}
