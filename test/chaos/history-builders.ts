// Builders of history events for the tests of the checker. Owner tokens are single letters.
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

/** An event of the key `k` in the call `c`, written by the worker `w1` at this time. */
function eventBase(at: number) {
  return { at, by: worker, key: 'k', call: 'c' };
}

let lastStoreCallId = 0;

function storeCallBase(at: number, name: StoreReplied['verb'], ownerToken: string, fencingToken: number) {
  lastStoreCallId += 1;
  return { ...eventBase(at), verb: name, storeCallId: lastStoreCallId, ownerToken, fencingToken };
}

/** A lease granted at `now` for 1000 ms. */
export function granted(
  now: number,
  ownerToken: string,
  fencingToken: number,
  more: Partial<StoreReplied> = {},
): StoreReplied {
  const facts = { reply: 'acquired', attempt: 1, takeover: false, guarded: false, leaseEndAt: now + 1_000 };
  return { ...storeCallBase(now, 'acquire', ownerToken, fencingToken), kind: 'store_reply', now, ...facts, ...more };
}

/** The reply to another caller that did not get the lease. */
export function refused(now: number, reply: string, more: Partial<StoreReplied> = {}): StoreReplied {
  const { fencingToken: _none, ...base } = storeCallBase(now, 'acquire', 'Z', 0);
  return { ...base, kind: 'store_reply', now, reply, ...more };
}

export function renewed(
  now: number,
  ownerToken: string,
  fencingToken: number,
  more: Partial<StoreReplied> = {},
): StoreReplied {
  return {
    ...storeCallBase(now, 'renew', ownerToken, fencingToken),
    kind: 'store_reply',
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
    kind: 'store_reply',
    now,
    reply: 'ok',
    digest: `by ${ownerToken}`,
    ...more,
  };
}

export function releaseSent(at: number, ownerToken: string, fencingToken: number, as = 'retryable'): StoreCallSent {
  return { ...storeCallBase(at, 'release', ownerToken, fencingToken), kind: 'store_call', as };
}

export function released(now: number, ownerToken: string, fencingToken: number, reply = 'ok'): StoreReplied {
  return { ...storeCallBase(now, 'release', ownerToken, fencingToken), kind: 'store_reply', now, reply };
}

/** A decision about the attempt with this fencing token: the call and its reply. */
export function decided(now: number, fencingToken: number, as: 'done' | 'not_done'): KeyEvent[] {
  const { ownerToken: _none, ...base } = storeCallBase(now, 'resolve', '', fencingToken);
  const digest = as === 'done' ? null : undefined;
  return [
    { ...base, kind: 'store_call', as },
    { ...base, kind: 'store_reply', now, reply: 'ok', digest },
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
  return { ...storeCallBase(at, 'acquire', 'A', 0), kind: 'store_call' };
}

export function storeCallFailed(sent: StoreCallSent): StoreCallFailed {
  return { ...sent, kind: 'store_call_failed', class: 'unknown', why: 'no reply' };
}

export function callOverdue(sent: StoreCallSent): CallOverdue {
  const { at, by, key, call, storeCallId } = sent;
  return { at: at + 560, by, key, call, kind: 'overdue', what: 'acquire', storeCallId, deadlineMs: 500 };
}

export function dataLost(at: number): HistoryEvent {
  return { at, by: 'main', kind: 'data_lost', why: 'it was killed and restarted empty' };
}

export function processEvent(what: ProcessEvent['what']): HistoryEvent {
  return { at: 9_000, by: 'main', kind: 'process', name: worker, what };
}

export function keyScanned(pttlMs: number): HistoryEvent {
  return { at: 9_000, by: 'main', kind: 'key_found', name: 'onceguard:{k}', pttlMs };
}
