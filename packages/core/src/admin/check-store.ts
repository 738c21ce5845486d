// Checks the first argument of the functions for operators.
import * as z from 'zod';
import { storeField } from '../engine/policy.js';
import { parseOptions } from '../parse-options.js';
import type { IdempotencyStore } from '../store/port.js';

const schema = z.object({ store: storeField });

/** Returns the store. Throws a `ConfigurationError` (`option_invalid`) for anything else. */
export function checkStore(what: string, store: IdempotencyStore): IdempotencyStore {
  return parseOptions(what, schema, { store }).store;
}
