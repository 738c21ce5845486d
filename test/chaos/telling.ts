// Histories told by hand: one short function per event, for the tests of the checker. Owners have a letter for a token.
import type {
  Asked,
  Began,
  Called,
  Failed,
  HistoryEvent,
  KeyEvent,
  Late,
  ProcessEvent,
  Returned,
  Told,
} from './history.js';

const worker = 'w1';

/** Of the key `k`, at this time, in the call `c`, by the worker `w1`. */
function of(at: number) {
  return { at, by: worker, key: 'k', call: 'c' };
}

let asks = 0;

function verb(at: number, name: Told['verb'], token: string, fence: number) {
  asks += 1;
  return { ...of(at), verb: name, ask: asks, token, fence };
}

/** Granted at `now` for 1000 ms. */
export function granted(now: number, token: string, fence: number, more: Partial<Told> = {}): Told {
  const facts = { answer: 'acquired', attempt: 1, takeover: false, guarded: false, leaseEndAt: now + 1_000 };
  return { ...verb(now, 'acquire', token, fence), kind: 'told', now, ...facts, ...more };
}

/** What somebody else was told who asked for the key. */
export function refused(now: number, answer: string, more: Partial<Told> = {}): Told {
  const { fence: _none, ...asked } = verb(now, 'acquire', 'Z', 0);
  return { ...asked, kind: 'told', now, answer, ...more };
}

export function renewed(now: number, token: string, fence: number, more: Partial<Told> = {}): Told {
  return { ...verb(now, 'renew', token, fence), kind: 'told', now, answer: 'ok', leaseEndAt: now + 1_000, ...more };
}

export function completed(now: number, token: string, fence: number, more: Partial<Told> = {}): Told {
  return { ...verb(now, 'complete', token, fence), kind: 'told', now, answer: 'ok', digest: `by ${token}`, ...more };
}

export function askedToRelease(at: number, token: string, fence: number, as = 'retryable'): Asked {
  return { ...verb(at, 'release', token, fence), kind: 'asked', as };
}

export function released(now: number, token: string, fence: number, answer = 'ok'): Told {
  return { ...verb(now, 'release', token, fence), kind: 'told', now, answer };
}

/** Somebody decided about the attempt with this fencing token: asked, and answered. */
export function decided(now: number, fence: number, as: 'done' | 'not_done'): KeyEvent[] {
  const { token: _none, ...asked } = verb(now, 'resolve', '', fence);
  const digest = as === 'done' ? null : undefined;
  return [
    { ...asked, kind: 'asked', as },
    { ...asked, kind: 'told', now, answer: 'ok', digest },
  ];
}

export function began(at: number, fence: number): Began {
  return { ...of(at), kind: 'began', fence, attempt: 1 };
}

export function called(at: number, more: Partial<Called> = {}): Called {
  return { ...of(at), kind: 'called', client: 'default 6', onAbandoned: 'rerun', last: false, ...more };
}

export function returned(now: number, answer: Returned['answer'], more: Partial<Returned> = {}): Returned {
  return { ...of(now), kind: 'returned', answer, now, ...more };
}

export function askedOnly(at: number): Asked {
  return { ...verb(at, 'acquire', 'A', 0), kind: 'asked' };
}

export function failed(asked: Asked): Failed {
  return { ...asked, kind: 'failed', class: 'unknown', why: 'silence' };
}

export function late(asked: Asked): Late {
  const { at, by, key, call, ask } = asked;
  return { at: at + 560, by, key, call, kind: 'late', what: 'acquire', ask, deadlineMs: 500 };
}

export function lost(at: number): HistoryEvent {
  return { at, by: 'main', kind: 'life', why: 'it was killed and came back empty' };
}

export function process(what: ProcessEvent['what']): HistoryEvent {
  return { at: 9_000, by: 'main', kind: 'process', name: worker, what };
}

export function scanned(pttlMs: number): HistoryEvent {
  return { at: 9_000, by: 'main', kind: 'scanned', name: 'onceguard:{k}', pttlMs };
}
