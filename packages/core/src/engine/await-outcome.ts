// Waits for the outcome of another attempt, for a limited time and in a limited number of callers.
import { StoreError } from '../errors.js';
import type { LeaseAcquired, NotAcquired } from './acquisition.js';
import type { CoalescedWait } from './coalesced-wait.js';
import type { ExecutionRequest } from './execution.js';
import type { StoreClient } from './store-client.js';
import { monotonicMs } from './time.js';
import { reserveWaiterSlot } from './waiter-limits.js';
import { type OnCallerGone, WaitingCaller } from './waiting-caller.js';

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
export async function awaitOutcome<Reply extends LeaseAcquired | NotAcquired>(
  storeClient: StoreClient,
  request: ExecutionRequest,
  role: WaitRole,
  first: Reply,
  poll: () => Promise<Reply>,
  onCallerGone?: OnCallerGone,
): Promise<Reply | NotAcquired> {
  const { onInProgress, onAbandoned } = request.policy;
  if (first.kind !== 'in_progress' || onInProgress === 'reject') return first;
  const releaseSlot = reserveWaiterSlot(request.store, request.scope ?? '', onInProgress);
  if (releaseSlot === null) return first;
  const endsAt = monotonicMs() + onInProgress.waitMs;
  const caller = new WaitingCaller(onCallerGone, releaseSlot);
  storeClient.subscribe();
  try {
    const variantKey = [role, onAbandoned, request.fingerprint].join(' ');
    const wait = storeClient.waits.getOrCreate(request.recordName, variantKey);
    const joined = await wait.join(endsAt, caller);
    if (joined === 'poll') return await pollForAll(wait, endsAt, caller, first, poll);
    if (joined === 'caller_gone') return first;
    if (joined === 'timed_out') return await pollOnce(poll, first);
    return joined;
  } finally {
    caller.dispose();
  }
}

async function pollForAll<Reply extends LeaseAcquired | NotAcquired>(
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
function sharedReply(reply: LeaseAcquired | NotAcquired): NotAcquired | null {
  return reply.kind === 'acquired' || reply.kind === 'in_progress' ? null : reply;
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
