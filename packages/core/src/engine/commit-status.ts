// Finds out whether a transaction was committed whose COMMIT got no reply. The database knows.
import { StoreError } from '../errors.js';
import type { ClaimedRecord, TransactionPort } from '../store/transaction-port.js';
import type { NotAcquired } from './acquisition.js';
import type { ExecutionRequest } from './execution.js';
import type { StoreClient } from './store-client.js';
import { backoffMs, callBackoff, monotonicMs, pause } from './time.js';
import { standingOf } from './transaction-grant.js';

/** `standing`: the transaction has ended, and the record is another one's by now. */
export type CommitStatus =
  | { readonly kind: 'committed' | 'rolled_back' }
  | { readonly kind: 'standing'; readonly standing: NotAcquired };

/**
 * The transaction has ended once its lock is free. The record, which is read after that, has the owner token of the attempt exactly if
 * the transaction was committed. Rejects with a `StoreError` where that is not known within the store's deadline: a repeat then gets what
 * happened.
 */
export async function findCommitStatus(
  storeClient: StoreClient,
  request: ExecutionRequest,
  port: TransactionPort,
  ownerToken: string,
): Promise<CommitStatus> {
  const { callTimeoutMs } = storeClient.store;
  const endsAt = monotonicMs() + callTimeoutMs;
  for (let failures = 0; ; failures += 1) {
    const withinMs = Math.max(1, endsAt - monotonicMs());
    const inspect = () => port.inspect(request.recordName);
    const found = await storeClient.call('inspect', request, inspect, withinMs).catch(() => null);
    const status = found === null ? null : statusOf(request, found, ownerToken);
    if (status !== null) return status;
    const pauseMs = backoffMs(failures, callBackoff);
    if (monotonicMs() + pauseMs >= endsAt) throw unknownCommitError();
    await pause(pauseMs);
  }
}

/** Null: the transaction has not ended. */
function statusOf(request: ExecutionRequest, found: ClaimedRecord, ownerToken: string): CommitStatus | null {
  if (found.record?.ownerToken === ownerToken) return { kind: 'committed' };
  if (!found.isAlone) return null;
  const standing = standingOf(request, found);
  return standing === null ? { kind: 'rolled_back' } : { kind: 'standing', standing };
}

function unknownCommitError(): StoreError {
  return new StoreError(
    'unknown',
    'The database did not say in time whether the transaction was committed. Repeat the call: it gets what happened.',
  );
}
