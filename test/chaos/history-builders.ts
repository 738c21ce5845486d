// Histories told by hand: one short function per event, for the tests of the checker. Owners have a letter for a token.
import type {
  CallOverdue,
  ExecuteCalled,
  ExecuteReturned,
  HistoryEvent,
  KeyEvent,
  OperationBegan,
  ProcessEvent,
  StoreCallFailed,
  StoreCallSent,
  StoreReplied,
} from './history.js';

const worker = 'w1';

/** Of the key `k`, at this time, in the call `c`, by the worker `w1`. */
function eventBase(at: number) {
  return { at, by: worker, key: 'k', call: 'c' };
}

let lastStoreCallId = 0;

function storeCallBase(at: number, name: StoreReplied['verb'], ownerToken: string, fencingToken: number) {
  lastStoreCallId += 1;
  return { ...eventBase(at), verb: name, storeCallId: lastStoreCallId, ownerToken, fencingToken };
}

/** Granted at `now` for 1000 ms. */
export function granted(
  now: number,
  ownerToken: string,
  fencingToken: number,
  more: Partial<StoreReplied> = {},
): StoreReplied {
  const facts = { reply: 'acquired', attempt: 1, takeover: false, guarded: false, leaseEndAt: now + 1_000 };
  return { ...storeCallBase(now, 'acquire', ownerToken, fencingToken), kind: 'told', now, ...facts, ...more };
}

/** What somebody else was told who asked for the key. */
export function refused(now: number, reply: string, more: Partial<StoreReplied> = {}): StoreReplied {
  const { fencingToken: _none, ...asked } = storeCallBase(now, 'acquire', 'Z', 0);
  return { ...asked, kind: 'told', now, reply, ...more };
}

export function renewed(
  now: number,
  ownerToken: string,
  fencingToken: number,
  more: Partial<StoreReplied> = {},
): StoreReplied {
  return {
    ...storeCallBase(now, 'renew', ownerToken, fencingToken),
    kind: 'told',
    now,
    reply: 'ok',
    leaseEndAt: now + 1_000,
    ...more,
  };
}

export function completed(
  now: number,
  ownerToken: string,
  fencingToken: number,
  more: Partial<StoreReplied> = {},
): StoreReplied {
  return {
    ...storeCallBase(now, 'complete', ownerToken, fencingToken),
    kind: 'told',
    now,
    reply: 'ok',
    digest: `by ${ownerToken}`,
    ...more,
  };
}

export function releaseSent(at: number, ownerToken: string, fencingToken: number, as = 'retryable'): StoreCallSent {
  return { ...storeCallBase(at, 'release', ownerToken, fencingToken), kind: 'asked', as };
}

export function released(now: number, ownerToken: string, fencingToken: number, reply = 'ok'): StoreReplied {
  return { ...storeCallBase(now, 'release', ownerToken, fencingToken), kind: 'told', now, reply };
}

/** Somebody decided about the attempt with this fencing token: asked, and answered. */
export function decided(now: number, fencingToken: number, as: 'done' | 'not_done'): KeyEvent[] {
  const { ownerToken: _none, ...asked } = storeCallBase(now, 'resolve', '', fencingToken);
  const digest = as === 'done' ? null : undefined;
  return [
    { ...asked, kind: 'asked', as },
    { ...asked, kind: 'told', now, reply: 'ok', digest },
  ];
}

export function began(at: number, fencingToken: number): OperationBegan {
  return { ...eventBase(at), kind: 'began', fencingToken, attempt: 1 };
}

export function called(at: number, more: Partial<ExecuteCalled> = {}): ExecuteCalled {
  return { ...eventBase(at), kind: 'called', client: 'default 6', onAbandoned: 'rerun', isLastRepeat: false, ...more };
}

export function returned(
  now: number,
  outcome: ExecuteReturned['outcome'],
  more: Partial<ExecuteReturned> = {},
): ExecuteReturned {
  return { ...eventBase(now), kind: 'returned', outcome, now, ...more };
}

export function acquireSent(at: number): StoreCallSent {
  return { ...storeCallBase(at, 'acquire', 'A', 0), kind: 'asked' };
}

export function storeCallFailed(asked: StoreCallSent): StoreCallFailed {
  return { ...asked, kind: 'failed', class: 'unknown', why: 'silence' };
}

export function callOverdue(asked: StoreCallSent): CallOverdue {
  const { at, by, key, call, storeCallId } = asked;
  return { at: at + 560, by, key, call, kind: 'late', what: 'acquire', storeCallId, deadlineMs: 500 };
}

export function dataLost(at: number): HistoryEvent {
  return { at, by: 'main', kind: 'life', why: 'it was killed and came back empty' };
}

export function processEvent(what: ProcessEvent['what']): HistoryEvent {
  return { at: 9_000, by: 'main', kind: 'process', name: worker, what };
}

export function keyScanned(pttlMs: number): HistoryEvent {
  return { at: 9_000, by: 'main', kind: 'scanned', name: 'onceguard:{k}', pttlMs };
}
