// The options of PostgresStore: their defaults, limits and error messages.
import { milliseconds, parseOptions, retryQueueLimitsField, storeNameField, wholeNumber } from '@onceguard/core/sql';
import type { RetryQueueLimits } from '@onceguard/core/store';
import * as z from 'zod';
import type { SchemaOptions } from './schema.js';
import { isPostgresClient, type PostgresClient } from './sql-client.js';

/** What both forms of a store have in common. */
interface CommonOptions extends SchemaOptions {
  /** The deadline of each call, in milliseconds. Default 1 000. */
  readonly callTimeoutMs?: number;
  /**
   * Whether statements are prepared under a name, which spares their planning. Where a pooler loses them, the store goes on without, and
   * publishes a warning. Default true.
   */
  readonly prepare?: boolean;
  /** What events call the store, so that several can be told apart. 1 to 100 characters. Default `postgres`. */
  readonly storeName?: string;
  /** How many calls, and how many bytes of outcomes, wait in this process to be repeated. Default 10 000 and 64 MiB. */
  readonly retryQueueLimits?: RetryQueueLimits | undefined;
}

export interface PostgresStoreOptions extends CommonOptions {
  /**
   * A `Pool` of pg, the `sql` of postgres.js, or `{ rows(text, values) }`, which runs one statement by itself and resolves with its rows.
   * It stays yours: the store never closes it. Never a client within a transaction.
   */
  readonly client: PostgresClient;
}

export interface PostgresConnectOptions extends CommonOptions {
  /** Such as `postgres://user:password@host:5432/database`. The address of the primary, or of a pooler in front of it. */
  readonly url: string;
  /** How many connections the pool opens at most. 1 to 1 000. Default 3. */
  readonly maxConnections?: number;
  /** Whether a timer deletes records that have ended, each minute in one of the processes. Default true. */
  readonly housekeeping?: boolean;
}

const clientRule =
  'it must be a Pool of pg, the `sql` function of postgres.js, or { rows(text, values) } that runs one statement and resolves with its rows';
const nameRule = 'it must be 1 to 40 characters of A-Z a-z 0-9 _, and must not begin with a digit';
const urlRule = 'it must be a URL such as postgres://user:password@host:5432/database';

const nameField = z.string({ error: nameRule }).regex(/^[A-Za-z_][A-Za-z0-9_]{0,39}$/, nameRule);

const commonFields = {
  schema: nameField.default('public'),
  prefix: nameField.default('onceguard'),
  callTimeoutMs: milliseconds(1, 2_147_483_647).default(1_000),
  prepare: z.boolean().default(true),
  storeName: storeNameField.default('postgres'),
  retryQueueLimits: retryQueueLimitsField,
};

export const postgresStoreSchema = z.strictObject({
  ...commonFields,
  client: z.custom<PostgresClient>(isPostgresClient, { error: clientRule }),
});

const connectSchema = z.strictObject({
  ...commonFields,
  url: z.string({ error: urlRule }).regex(/^postgres(ql)?:\/\//, urlRule),
  maxConnections: wholeNumber('connections', 1, 1_000, 'For three write 3.').default(3),
  housekeeping: z.boolean().default(true),
});

export const schemaOptionsSchema = z.strictObject({ schema: commonFields.schema, prefix: commonFields.prefix });

/** The URL may have a password, so no message shows it. */
export function parseConnectOptions(options: string | PostgresConnectOptions) {
  const given = typeof options === 'string' ? { url: options } : options;
  return parseOptions('PostgresStore.connect()', connectSchema, given, (option) => option === 'url');
}
