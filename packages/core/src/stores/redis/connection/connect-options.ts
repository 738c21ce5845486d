// The options of RedisStore.connect: where Redis is, and who connects.
import type { ClusterOptions, RedisOptions } from 'ioredis';
import { z } from 'zod';
import { milliseconds } from '../../../parse-options.js';
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

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Where Redis is and who connects; everything else is the store's choice. For other settings make a client yourself,
 * with `safeRedisOptions()` or `safeClusterOptions()`, and pass it to `new RedisStore({ client })`.
 */
export interface ConnectOptions extends Pick<RedisOptions, 'host' | 'port' | 'path' | 'family' | 'db' | 'tls'> {
  /** A text, or a function that is asked at every connection: see `password`. */
  readonly username?: Credential | undefined;
  /**
   * A text, or a function, which may be async, that returns the password that is valid now: a token of a cloud identity, or a
   * secret that rotates. It is called for every connection that is made, several at once in a cluster, and has ten seconds.
   * Where it fails, the connection is tried again like any other.
   */
  readonly password?: Credential | undefined;
  /** `redis://` or `rediss://`, without a query. What it says wins over what is said beside it. */
  readonly url?: string | undefined;
  /** Some nodes of a cluster, each `redis://host:port` or an address; the others are found. */
  readonly cluster?: readonly (string | ServerAddress)[] | undefined;
  /** Some Sentinels, each `redis://host:port` or an address; the others are found. Needs `name`. */
  readonly sentinels?: readonly (string | ServerAddress)[] | undefined;
  /** What the Sentinels call the master. */
  readonly name?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  readonly sentinelTLS?: RedisOptions['tls'];
  /** Of a cluster or a set behind Sentinel: by which address each server, as the others know it, is reached from here. */
  readonly natMap?: Readonly<Record<string, ServerAddress>> | undefined;
  /**
   * Of a cluster: turns the host name of a node in `cluster` into what is connected to, as in ioredis. Default: with `tls` the
   * name itself, since certificates name hosts; else its IP address.
   */
  readonly dnsLookup?: ClusterOptions['dnsLookup'];
  readonly connectionName?: string | undefined;
  /** How long `connect` waits for the connection. Default 2000. */
  readonly connectTimeoutMs?: number | undefined;
  /** As for the constructor. */
  readonly prefix?: string | undefined;
  readonly callTimeoutMs?: number | undefined;
  readonly durability?: Durability | undefined;
  readonly storeName?: string | undefined;
  readonly retryQueueLimits?: RetryQueueLimits | undefined;
}

// ioredis takes a query for options, and would let it win over the safe ones.
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

function functionSchema<F>(error: string) {
  return z.custom<F>((value) => typeof value === 'function', { error }).optional();
}

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
  dnsLookup: functionSchema<NonNullable<ClusterOptions['dnsLookup']>>('it must be a function such as dns.lookup'),
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

/** Hosts, alone or in an address, with a port and a database. */
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

/** Whether a value must not be shown: credentials, and addresses in which there may be some. */
export function isSecretOption(option: PropertyKey | undefined, value: unknown): boolean {
  if (secretOptions.includes(option)) return true;
  return addressOptions.includes(option) && typeof value === 'string' && !credentialFreePattern.test(value);
}

/** What cannot be meant together, with the remedy. */
function findContradictions(options: ParsedConnectOptions): [keyof ParsedConnectOptions, string][] {
  const { cluster, sentinels, name, db, dnsLookup } = options;
  const single = (['url', 'host', 'port', 'path'] as const).find((field) => options[field] !== undefined);
  const found: [keyof ParsedConnectOptions, string][] = [];
  if (cluster && sentinels) found.push(['sentinels', 'it must be left out: a cluster has no Sentinels']);
  if (single && (cluster || sentinels)) {
    found.push([single, 'it must be left out: the servers are found through cluster or sentinels']);
  }
  if (cluster && db) found.push(['db', 'it must be left out: a cluster has one database, 0']);
  if (dnsLookup && !cluster) found.push(['dnsLookup', 'it must be left out: only clusters have it']);
  if (sentinels && name === undefined) found.push(['name', 'it must be what the Sentinels call the master']);
  return found;
}

function parseAddress(url: string): ServerAddress {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
}
