// Sends one request under one key until there is a final answer, or until a limit says that there will be none.

import type { CallResult } from './call-result.js';
import {
  type ClientErrorFacts,
  type IdempotentFetchError,
  KeyReusedError,
  OutcomeUnknownError,
  RetriesExhaustedError,
} from './errors.js';
import type { Settings } from './options.js';
import type { RepeatableRequest } from './repeatable-request.js';
import { noteAttempts } from './response-facts.js';
import { readRetryAfter } from './retry-after.js';
import { pause, type TryResult, tryOnce } from './try-once.js';
import { judgeResponse, type Verdict } from './verdict.js';

/** Rejects where the caller's signal aborts, and where `onUnauthorized` throws. `wasSent`: an earlier call has sent this request. */
export async function sendUntilFinal(
  request: RepeatableRequest,
  key: string,
  settings: Settings,
  signal: AbortSignal | null | undefined,
  wasSent: boolean,
): Promise<CallResult> {
  const endAt = performance.now() + settings.totalTimeoutMs;
  let mayAuthorize = true;
  let mayHaveRun = wasSent;
  for (let attempts = 1, retries = 0; ; attempts++) {
    signal?.throwIfAborted();
    const result = await tryOnce(
      request,
      settings.fetch,
      Math.min(settings.tryTimeoutMs, endAt - performance.now()),
      signal,
    );
    const { response, problem = {} } = result;
    if (response?.status === 401 && mayAuthorize) {
      mayAuthorize = false;
      const changed = await settings.onUnauthorized(response);
      Object.assign(request.headers, changed);
      if (changed !== false) continue;
    }
    const verdict = verdictOf(result, settings);
    const retryAfterMs = (response && readRetryAfter(response.headers, problem.retryAfterMs)) ?? 0;
    const delayMs = Math.max(retryAfterMs, backoffMs(retries, settings));
    const why = reasonToStop(retries, retryAfterMs, performance.now() + delayMs - endAt, settings);
    if (verdict !== 'retry' || why !== undefined) {
      if (response !== undefined) noteAttempts(response, attempts);
      const facts = { key, attempts, response, retryAfterMs, cause: result.error };
      return { attempts, response, error: errorOf(verdict, facts, why), mayHaveRun };
    }
    // Too many requests: nothing ran.
    mayHaveRun ||= response?.status !== 429;
    runHook(() => settings.onRetry({ key, attempts, delayMs, response, error: result.error }));
    await pause(delayMs, signal);
    retries++;
  }
}

function errorOf(verdict: Verdict, facts: ClientErrorFacts, why = ''): IdempotentFetchError | undefined {
  switch (verdict) {
    case 'final':
      return undefined;
    case 'key_reused':
      return new KeyReusedError(facts);
    case 'outcome_unknown':
      return new OutcomeUnknownError('the server cannot tell', facts);
    case 'retry':
      return new RetriesExhaustedError(why, facts);
  }
}

function verdictOf({ response, problem = {} }: TryResult, { shouldRetry }: Settings): Verdict {
  if (response === undefined) return 'retry';
  const decided = shouldRetry(response, problem);
  if (decided !== undefined) return decided ? 'retry' : 'final';
  return judgeResponse(response.status, response.headers, problem);
}

/** Exponential with full jitter, so that clients that failed together do not come back together. */
function backoffMs(retries: number, { baseDelayMs, maxDelayMs }: Settings): number {
  return Math.random() * Math.min(maxDelayMs, baseDelayMs * 2 ** retries);
}

function reasonToStop(retries: number, retryAfterMs: number, lateMs: number, settings: Settings): string | undefined {
  if (retries >= settings.retries) return 'no retries are left';
  if (retryAfterMs > settings.maxRetryAfterMs) return `the server asks for ${retryAfterMs} ms`;
  return lateMs < 0 ? undefined : 'the time is over';
}

/** An error of a hook must not cost the caller the answer. */
export function runHook(hook: () => void): void {
  try {
    hook();
  } catch (error) {
    console.error(error);
  }
}
