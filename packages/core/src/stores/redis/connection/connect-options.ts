// The options of RedisStore.connect: the address of Redis, the credentials, and their validation.
import type { ClusterOptions, RedisOptions } from 'ioredis';
import * as z from 'zod';
import { functionField, milliseconds } from '../../../parse-options.js';
import type { RetryQueueLimits } from '../../../store/port.js';
import { retryQueueLimitsField } from '../../store-options.js';
import type { Credential } from './credentials.js';
import {
  callTimeoutSchema,
  checkDurabilityTimeout,
  durabilitySchema,
  prefixSchema,
  redisStoreNameField,
} from './redis-store-options.js';
import { parseRedisUrl } from './redis-url.js';
import type { Durability } from './replication-wait.js';

/** The address of one server. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * The address of Redis and the credentials. The store chooses all other client options. To use other settings, make a client
 * with `safeRedisOptions()` or `safeClusterOptions()` and pass it to `new RedisStore({ client })`.
 */
export interface ConnectOptions extends Pick<RedisOptions, 'host' | 'port' | 'path' | 'family' | 'db' | 'tls'> {
  /** A text, or a function that is called for every connection: see `password`. */
  readonly username?: Credential | undefined;
  /**
   * A text, or a function, which may be async, that returns the currently valid password: a token of a cloud identity, or a
   * secret that rotates. The store calls the function for every connection, in a cluster for several at once. It must return
   * within ten seconds. If it fails, the client tries to connect again later, as after any other failure.
   */
  readonly password?: Credential | undefined;
  /** `redis://` or `rediss://`, without a query. It overrides the other options. */
  readonly url?: string | undefined;
  /** Some nodes of a cluster, each `redis://host:port` or an address. The client discovers the others. */
  readonly cluster?: readonly (string | ServerAddress)[] | undefined;
  /** Some Sentinels, each `redis://host:port` or an address. The client discovers the others. Needs `name`. */
  readonly sentinels?: readonly (string | ServerAddress)[] | undefined;
  /** The name by which the Sentinels know the master. */
  readonly name?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  readonly sentinelTLS?: RedisOptions['tls'];
  /** For servers behind NAT: maps each address that a cluster or a Sentinel announces to the one that is reachable. */
  readonly natMap?: Readonly<Record<string, ServerAddress>> | undefined;
  /**
   * For a cluster: resolves the host name of a node in `cluster`, as in ioredis. Default: the name itself with `tls`, because
   * certificates name hosts; otherwise its IP address.
   */
  readonly dnsLookup?: ClusterOptions['dnsLookup'];
  /** The name of the connections in CLIENT LIST. */
  readonly connectionName?: string | undefined;
  /** How long `connect` waits for the connection, in milliseconds. Default 2000. */
  readonly connectTimeoutMs?: number | undefined;
  /** The beginning of all key names. Default `onceguard:`. Stores with the same prefix share their records. */
  readonly prefix?: string | undefined;
  /** The deadline of each call in milliseconds. Default 1000. */
  readonly callTimeoutMs?: number | undefined;
  /** How many replicas must confirm each write. Default: the master's reply is enough. */
  readonly durability?: Durability | undefined;
  readonly storeName?: string | undefined;
  readonly retryQueueLimits?: RetryQueueLimits | undefined;
}

// ioredis reads options from a query, and they would override the safe options.
const urlRule =
  'it must begin with redis:// or rediss:// and have no query; options have names here, and special characters of a ' +
  'password are written as in %40 for @';

const urlSchema = z
  .string()
  .transform((text, context) => parseRedisUrl(text) ?? rejectValue(context, urlRule))
  .optional();

function rejectValue(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

const hostRule = 'it must be a host name or an IP address; user, password and port are options of their own';
const hostSchema = z
  .string()
  .regex(/^[^\s/@?#]+$/, hostRule)
  .optional();

const portSchema = z.int().min(1).max(65_535);

const addressRule =
  'it must be redis://host:port or { host, port }; password and tls are options of their own, and a cluster has no databases';

const addressesSchema = z
  .array(
    z.union(
      [
        z
          .string()
          .regex(/^redis:\/\/[^/?#@]+\/?$/)
          .transform(parseAddress),
        z.strictObject({ host: z.string().min(1), port: portSchema }),
      ],
      addressRule,
    ),
  )
  .min(1)
  .optional();

const credentialRule = 'it must be a string, or a function that returns one';
const credentialSchema = z
  .custom<Credential>((value) => typeof value === 'string' || typeof value === 'function', { error: credentialRule })
  .optional();

const tlsSchema = z.looseObject({}).optional();

const connectFieldsSchema = z.strictObject({
  url: urlSchema,
  cluster: addressesSchema,
  sentinels: addressesSchema,
  name: z.string().min(1).optional(),
  sentinelUsername: z.string().optional(),
  sentinelPassword: z.string().optional(),
  sentinelTLS: tlsSchema,
  dnsLookup: functionField<NonNullable<ClusterOptions['dnsLookup']>>(
    'it must be a function such as dns.lookup',
  ).optional(),
  natMap: z.record(z.string(), z.strictObject({ host: z.string().min(1), port: portSchema })).optional(),
  host: hostSchema,
  port: portSchema.optional(),
  path: z.string().min(1).optional(),
  family: z.literal([0, 4, 6]).optional(),
  username: credentialSchema,
  password: credentialSchema,
  db: z.int().min(0).optional(),
  tls: tlsSchema,
  connectionName: z.string().optional(),
  connectTimeoutMs: milliseconds(1, 600_000).default(2_000),
  prefix: prefixSchema,
  callTimeoutMs: callTimeoutSchema,
  durability: durabilitySchema,
  storeName: redisStoreNameField,
  retryQueueLimits: retryQueueLimitsField,
});

export type ParsedConnectOptions = z.output<typeof connectFieldsSchema>;

export const connectOptionsSchema = connectFieldsSchema
  .superRefine(checkDurabilityTimeout)
  .superRefine((options, context) => {
    for (const [field, message] of findContradictions(options)) {
      context.addIssue({ code: 'custom', path: [field], message, input: options[field] });
    }
  });

/** A host and a port, also as a URL with a database. */
const credentialFreePattern = /^$|^(?:rediss?:\/\/)?[\w.-]+:\d{1,5}(?:\/\d*)?$/;
const addressOptions: readonly unknown[] = ['url', 'cluster', 'sentinels', 'natMap', 'host', 'path'];
const secretOptions: readonly unknown[] = [
  'username',
  'password',
  'sentinelUsername',
  'sentinelPassword',
  'tls',
  'sentinelTLS',
];

/** Whether error messages must not show the value: credentials, and addresses that may contain some. */
export function isSecretOption(option: PropertyKey | undefined, value: unknown): boolean {
  if (secretOptions.includes(option)) return true;
  return addressOptions.includes(option) && typeof value === 'string' && !credentialFreePattern.test(value);
}

/** Options that contradict each other, with the remedy. */
function findContradictions(options: ParsedConnectOptions): [keyof ParsedConnectOptions, string][] {
  const { cluster, sentinels, name, db, dnsLookup } = options;
  const single = (['url', 'host', 'port', 'path'] as const).find((field) => options[field] !== undefined);
  const contradictions: [keyof ParsedConnectOptions, string][] = [];
  if (cluster && sentinels) contradictions.push(['sentinels', 'it must be left out: a cluster has no Sentinels']);
  if (single && (cluster || sentinels)) {
    contradictions.push([single, 'it must be left out: the client finds the servers through cluster or sentinels']);
  }
  if (cluster && db) contradictions.push(['db', 'it must be left out: a cluster has one database, 0']);
  if (dnsLookup && !cluster) contradictions.push(['dnsLookup', 'it must be left out: only clusters have it']);
  if (sentinels && name === undefined)
    contradictions.push(['name', 'it must be the name by which the Sentinels know the master']);
  return contradictions;
}

function parseAddress(url: string): ServerAddress {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
}
