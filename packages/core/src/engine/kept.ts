// The result of a function, and the bytes that stand for it on record: what comes back is what the record holds.
import { IdempotencyError } from '../errors.js';
import { publish } from '../events.js';
import { decodeValue, encodeValue } from '../value.js';
import type { OperationContext } from './context.js';
import type { Plan, Work } from './plan.js';

/** A result with the bytes that stand for it; none where it cannot be kept. */
export interface Kept<T> {
  readonly value: T;
  readonly bytes: Uint8Array | null;
}

export function kept<T>(
  operation: (context: OperationContext) => T | Promise<T>,
  plan: Plan,
  maxOutcomeBytes: number,
): Work<Kept<T>> {
  return {
    run: async (context) => keep(await operation(context), plan, maxOutcomeBytes),
    settle: ({ bytes }) => ({ as: 'done', outcome: bytes, note: null }),
    revive: (bytes) => ({ bytes, value: revived(bytes) }),
  };
}

/** The work has been done: a result that cannot be kept, whatever the reason, must not undo that. */
function keep<T>(value: T, plan: Plan, maxOutcomeBytes: number): Kept<T> {
  try {
    const bytes = encodeValue(value);
    if (bytes.byteLength <= maxOutcomeBytes) return { bytes, value: revived(bytes) };
    notKept(plan, `it has ${bytes.byteLength} bytes; maxOutcomeBytes is ${maxOutcomeBytes}`);
  } catch (error) {
    notKept(plan, error instanceof Error ? error.message : String(error));
  }
  return { bytes: null, value };
}

function notKept(plan: Plan, reason: string): void {
  publish('outcome_not_kept', () => ({ store: plan.store.name, name: plan.name, reason }));
}

function revived<T>(bytes: Uint8Array): T {
  try {
    return decodeValue(bytes) as T;
  } catch (cause) {
    throw new IdempotencyError('outcome_invalid', 'The recorded result cannot be read by this version.', { cause });
  }
}
