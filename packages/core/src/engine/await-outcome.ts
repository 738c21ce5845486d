// Waits for the outcome of another attempt, for a limited time and in a limited number of callers.
import { StoreError } from '../errors.js';
import { publish } from '../events.js';
import type { LeaseAcquired, NotAcquired } from './acquisition.js';
import type { CoalescedWait } from './coalesced-wait.js';
import type { ExecutionRequest } from './execution.js';
import type { StoreClient } from './store-client.js';
import { monotonicMs } from './time.js';
import { reserveWaiterSlot } from './waiter-limits.js';
import { type CallerState, WaitingCaller } from './waiting-caller.js';

/** What a poll may find: `free` means that the caller may try to run, in a transaction. */
type PollReply = LeaseAcquired | NotAcquired | { readonly kind: 'free' };

/** An acquirer may get the lease itself; an observer only wants to know the outcome. */
type WaitRole = 'acquirer' | 'observer';

/**
 * Polls the store while its reply is `in_progress` and the policy allows it, and returns the last reply. Where the caller may not wait,
 * returns the first one.
 *
 * `poll` is the caller's own call, because a lease that it acquires belongs to this caller alone. Every other reply is shared by all
 * callers that wait for the same outcome, and so are the bytes of an outcome, which nobody modifies. A caller that leaves stops waiting
 * at once, and its slot is free for another.
 */
export async function awaitOutcome<Reply extends PollReply>(
  storeClient: StoreClient,
  request: ExecutionRequest,
  role: WaitRole,
  first: Reply,
  poll: () => Promise<Reply>,
  callerState: CallerState,
): Promise<Reply | NotAcquired> {
  const { onInProgress, onAbandoned } = request.policy;
  if (first.kind !== 'in_progress' || onInProgress === 'reject') return first;
  const releaseSlot = reserveWaiterSlot(request.store, request.scope ?? '', onInProgress);
  if (releaseSlot === null) return first;
  const startedAt = monotonicMs();
  const endsAt = startedAt + onInProgress.waitMs;
  const caller = new WaitingCaller(callerState, releaseSlot);
  storeClient.subscribe();
  try {
    const variantKey = [role, onAbandoned, request.fingerprint].join(' ');
    const wait = storeClient.waits.getOrCreate(request.recordName, variantKey);
    const last = await joinWait(wait, endsAt, caller, first, poll);
    const waitedMs = monotonicMs() - startedAt;
    publish('waited', () => ({ ...storeClient.eventSubject(request), waitedMs, standing: last.kind }));
    return last;
  } finally {
    caller.dispose();
  }
}

async function joinWait<Reply extends PollReply>(
  wait: CoalescedWait,
  endsAt: number,
  caller: WaitingCaller,
  first: Reply,
  poll: () => Promise<Reply>,
): Promise<Reply | NotAcquired> {
  const joined = await wait.join(endsAt, caller);
  if (joined === 'poll') return await pollForAll(wait, endsAt, caller, first, poll);
  if (joined === 'caller_gone') return first;
  if (joined === 'timed_out') return caller.hasLeft ? first : await pollOnce(poll, first);
  return joined;
}

async function pollForAll<Reply extends PollReply>(
  wait: CoalescedWait,
  endsAt: number,
  caller: WaitingCaller,
  first: Reply,
  poll: () => Promise<Reply>,
): Promise<Reply> {
  let reply = first;
  try {
    do {
      await wait.pauseBeforePoll(endsAt, caller);
      if (caller.hasLeft) return reply;
      reply = await pollOnce(poll, reply);
    } while (reply.kind === 'in_progress' && monotonicMs() < endsAt);
    return reply;
  } finally {
    wait.handOver(sharedReply(reply));
  }
}

/** What one caller's reply means for all. Null: nothing, so the wait goes on. */
function sharedReply(reply: PollReply): NotAcquired | null {
  return reply.kind === 'acquired' || reply.kind === 'in_progress' || reply.kind === 'free' ? null : reply;
}

/**
 * Returns the last reply where the store does not reply now. Somebody was at work then; an error would let a bypass run beside that
 * work.
 */
async function pollOnce<Reply>(poll: () => Promise<Reply>, last: Reply): Promise<Reply> {
  try {
    return await poll();
  } catch (error) {
    if (error instanceof StoreError) return last;
    throw error;
  }
}
