// drainStore: what a process awaits before it ends, so that no outcome is lost that the store could not take at once.
import * as z from 'zod';
import { drainsOfStore } from '../engine/drain-registry.js';
import { milliseconds, parseOptions } from '../parse-options.js';
import type { IdempotencyStore } from '../store/port.js';
import { checkStore } from './check-store.js';

export interface DrainStoreOptions {
  /** How long to wait at most, in milliseconds. 0 only looks whether anything is left. At most 2 147 483 647, default 10 000. */
  timeoutMs?: number;
}

const schema = z.strictObject({ timeoutMs: milliseconds(0, 2_147_483_647).default(10_000) });

/**
 * Waits until everything that this process still has to record at the store is recorded: outcomes that callers already have,
 * leases to be released, and handlers that still work although their request timed out. Call it after the server stopped taking
 * requests and before `store.close()`.
 *
 * Resolves with true when nothing is left, in any copy of this package in the process; with false when something was left after
 * `timeoutMs`. Never rejects for a store that does not respond. Rejects with a `ConfigurationError` for options that are not valid.
 *
 * @example
 * if (!(await drainStore(store, { timeoutMs: 5_000 }))) log.error('some outcomes are not recorded');
 */
export async function drainStore(store: IdempotencyStore, options: DrainStoreOptions = {}): Promise<boolean> {
  const checkedStore = checkStore('drainStore()', store);
  const { timeoutMs } = parseOptions('drainStore()', schema, options);
  const isDrained = await Promise.all(drainsOfStore(checkedStore).map((drain) => drain(timeoutMs)));
  return isDrained.every((drained) => drained);
}
