// One send of a request: its whole response or what went wrong, within a time limit, and nothing left behind.
import type { RepeatableRequest } from './repeatable-request.js';
import type { ProblemMembers } from './verdict.js';

export interface TryResult {
  /** With its body in memory. */
  readonly response?: Response;
  readonly problem?: ProblemMembers;
  /** What `fetch` threw, or that the time was over. */
  readonly error?: unknown;
}

/** Rejects only where the caller's signal aborts, with its reason. */
export async function tryOnce(
  request: RepeatableRequest,
  fetch: typeof globalThis.fetch,
  timeoutMs: number,
  signal: AbortSignal | null | undefined,
): Promise<TryResult> {
  const controller = new AbortController();
  try {
    // A fetch of the caller may not listen to its signal.
    return await interruptible(exchange(request, fetch, controller.signal), timeoutMs, signal);
  } catch (error) {
    controller.abort(error);
    signal?.throwIfAborted();
    return { error };
  }
}

/** Waits. Rejects at once where the signal aborts. */
export async function pause(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
  await interruptible(new Promise<never>(() => undefined), ms, signal).catch(() => signal?.throwIfAborted());
}

async function interruptible<T>(
  work: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | null | undefined,
): Promise<T> {
  let release = (): void => undefined;
  const interrupted = new Promise<never>((_resolve, reject) => {
    const onAbort = () => reject(signal?.reason);
    const timer = setTimeout(() => reject(new Error(`No response within ${timeoutMs} ms.`)), timeoutMs);
    release = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    release();
  }
}

/** Reads the whole body before the caller gets the response: one that is cut off is a lost answer, and not the caller's problem. */
async function exchange(request: RepeatableRequest, fetch: typeof globalThis.fetch, signal: AbortSignal) {
  const response = await fetch(await request.next(), { signal });
  const text = await response.clone().text();
  return { response, problem: parseProblem(response.ok ? '' : text) };
}

function parseProblem(text: string): ProblemMembers {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
