// Reads the command line of `onceguard doctor`. No message repeats an address, because it may contain a password.
import { parseArgs } from 'node:util';
import type { ConnectOptions, RedisCheckTarget, ServerAddress } from '@onceguard/core/redis';
import { checkStoreOptions } from '../open-store.js';
import { parseStoreUrl, type StoreUrl } from '../store-url.js';
import { UsageError } from '../usage-error.js';

/** What is to be checked. All addresses are of one kind of store. */
export type CheckTargets =
  | { readonly kind: 'redis'; readonly targets: readonly RedisCheckTarget[] }
  | { readonly kind: 'postgres'; readonly urls: readonly string[]; readonly names: PostgresNames }
  | { readonly kind: 'sqlite'; readonly paths: readonly string[] };

interface PostgresNames {
  readonly prefix?: string | undefined;
  readonly schema?: string | undefined;
}

export interface CheckCommand {
  readonly of: CheckTargets;
  readonly timeoutMs: number;
  readonly json: boolean;
}

export const doctorUsage = `Usage: onceguard doctor <address…> [options]

Checks whether a Redis, a PostgreSQL or a file of SQLite is fit to keep the records of onceguard, and says how to fix what is not.

  onceguard doctor redis://127.0.0.1:6379
  onceguard doctor rediss://store:password@redis.internal:6380/0 --prefix shop: --json
  onceguard doctor redis://10.0.0.1:7000 redis://10.0.0.2:7000 --cluster
  onceguard doctor redis://10.0.0.1:26379 redis://10.0.0.2:26379 --sentinel mymaster
  onceguard doctor postgres://store:password@db.internal:5432/shop --schema payments
  onceguard doctor sqlite:/var/lib/shop/onceguard.db

  --cluster          the addresses are nodes of one cluster; without it a node of a cluster is an error
  --sentinel <name>  the addresses are Sentinels, which know the master by this name; user and password are the master's
  --prefix <text>    as the store has it: the beginning of key names on Redis (default onceguard:), of tables on PostgreSQL (onceguard)
  --schema <name>    the schema of the tables on PostgreSQL; default public
  --timeout <ms>     the deadline of the store's calls (callTimeoutMs); default 1000
  --json             print JSON for programs: { servers, findings, ok }
  --help             print this text

Exit status: 0 without findings of severity error, 1 with some, 2 for an invalid command line.`;

const optionDefinitions = {
  cluster: { type: 'boolean', default: false },
  sentinel: { type: 'string' },
  prefix: { type: 'string' },
  schema: { type: 'string' },
  timeout: { type: 'string', default: '1000' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Reads what follows `doctor`. Throws a `UsageError` that names the mistake and contains the usage. */
export function parseDoctorCommand(args: readonly string[]): CheckCommand | 'help' {
  const { values, positionals: urls } = parseArguments(args);
  const { cluster, sentinel, prefix, schema, timeout, json } = values;
  if (values.help) return 'help';
  if (urls.length === 0) throw usageError('An address is missing, such as redis://127.0.0.1:6379.');
  if (cluster && sentinel !== undefined)
    throw usageError('A cluster has no Sentinels: leave out --cluster or --sentinel.');
  if (!/^\d{1,6}$/.test(timeout)) throw usageError('--timeout must be milliseconds, such as 1000.');
  const stores = withUsage(() => urls.map((url, index) => parseStoreUrl(url, `Address ${index + 1}`)));
  const [kind = 'redis', ...otherKinds] = new Set(stores.map((store) => store.kind));
  if (otherKinds.length > 0) throw usageError('Give addresses of one kind of store.');
  withUsage(() => checkStoreOptions(kind, values));
  const timeoutMs = Number(timeout);
  switch (kind) {
    case 'redis': {
      const targets = buildTargets(stores.flatMap(toServer), cluster, sentinel);
      const common = { prefix, callTimeoutMs: timeoutMs, connectTimeoutMs: timeoutMs * 2 };
      const complete = targets.map((target) => ({ ...target, options: { ...common, ...target.options } }));
      return { of: { kind, targets: complete }, timeoutMs, json };
    }
    case 'postgres':
      return { of: { kind, urls, names: { prefix, schema } }, timeoutMs, json };
    case 'sqlite':
      return {
        of: { kind, paths: stores.flatMap((store) => (store.kind === kind ? [store.path] : [])) },
        timeoutMs,
        json,
      };
  }
}

function parseArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionDefinitions, allowPositionals: true });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function buildTargets(
  servers: readonly ParsedServer[],
  cluster: boolean,
  sentinel: string | undefined,
): RedisCheckTarget[] {
  const addresses = servers.map(({ address }) => address);
  const { options = {} } = servers[0] ?? {};
  if (cluster) return [{ kind: 'cluster', nodes: addresses, options }];
  if (sentinel === undefined) return servers.map((server) => ({ kind: 'server', ...server }));
  const tls = options.tls && { sentinelTLS: options.tls };
  return [{ kind: 'sentinels', options: { ...options, ...tls, sentinels: addresses, name: sentinel } }];
}

interface ParsedServer {
  readonly address: ServerAddress;
  readonly options: Pick<ConnectOptions, 'username' | 'password' | 'db' | 'tls'>;
}

function toServer(store: StoreUrl): ParsedServer[] {
  if (store.kind !== 'redis') return [];
  const { host, port = 6379, db = 0, isTls, ...credentials } = store.address;
  const options = { ...credentials, ...(db > 0 && { db }), ...(isTls && { tls: {} }) };
  return [{ address: { host, port }, options }];
}

/** A mistake in a word is shown with the usage of this command. */
function withUsage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof UsageError ? usageError(error.message) : error;
  }
}

function usageError(message: string): UsageError {
  return new UsageError(`${message}\n\n${doctorUsage}`);
}
