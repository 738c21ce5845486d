// Executions whose lease is over soon, whatever the machine is busy with.
import {
  type ExecuteOptions,
  type Execution,
  executeIdempotently,
  type OperationContext,
  StoreError,
} from '@onceguard/core';

/** So short that it is over before it would be renewed. */
export const briefLease = { leaseMs: 500, maxExecutionMs: 10 };

const longestLeaseMs = 60_000;

/**
 * Executes under a lease that ends soon. Where this process was too slow to begin under it, nothing has run, and the next lease is
 * longer. Such an acquisition counts as an attempt.
 */
export async function executeUnderBriefLease<T>(
  operation: (context: OperationContext) => T | Promise<T>,
  options: ExecuteOptions<T> & { readonly leaseMs: number },
): Promise<Execution<T>> {
  for (let { leaseMs } = options; ; leaseMs *= 4) {
    let hasBegun = false;
    try {
      return await executeIdempotently<T>(
        (context) => {
          hasBegun = true;
          return operation(context);
        },
        { ...options, leaseMs },
      );
    } catch (error) {
      if (hasBegun || !(error instanceof StoreError) || leaseMs >= longestLeaseMs) throw error;
    }
  }
}
