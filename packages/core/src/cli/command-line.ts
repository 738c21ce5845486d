// Parses the command line of `onceguard`. No message repeats an address, because it may contain a password.
import { parseArgs } from 'node:util';
import { ConfigurationError } from '../errors.js';
import type { ConnectOptions, ServerAddress } from '../stores/redis/connection/connect-options.js';
import { parseRedisUrl } from '../stores/redis/connection/redis-url.js';
import type { CheckTarget } from './doctor.js';

export interface CheckCommand {
  readonly targets: readonly CheckTarget[];
  readonly json: boolean;
}

export const usage = `Usage: onceguard doctor <address…> [options]

Checks whether a Redis is fit to keep the records of onceguard, and says how to fix what is not.

  onceguard doctor redis://127.0.0.1:6379
  onceguard doctor rediss://store:password@redis.internal:6380/0 --prefix shop: --json
  onceguard doctor redis://10.0.0.1:7000 redis://10.0.0.2:7000 --cluster
  onceguard doctor redis://10.0.0.1:26379 redis://10.0.0.2:26379 --sentinel mymaster

  --cluster          the addresses are nodes of one cluster; without it a node of a cluster is an error
  --sentinel <name>  the addresses are Sentinels, which know the master by this name; user and password are the master's
  --prefix <text>    the beginning of the store's key names; default onceguard:
  --timeout <ms>     the deadline of the store's calls (callTimeoutMs); default 1000
  --json             print JSON for programs: { servers, findings, ok }
  --help             print this text

Exit status: 0 without findings of severity error, 1 with some, 2 for an invalid command line.`;

const optionDefinitions = {
  cluster: { type: 'boolean', default: false },
  sentinel: { type: 'string' },
  prefix: { type: 'string' },
  timeout: { type: 'string', default: '1000' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Throws a `ConfigurationError` that names the mistake and contains the usage. */
export function parseCommandLine(args: readonly string[]): CheckCommand | 'help' {
  const { values, positionals } = parseArguments(args);
  const { cluster, sentinel, prefix, timeout, json } = values;
  const [command, ...urls] = positionals;
  if (values.help) return 'help';
  if (command !== 'doctor') throw usageError('The command is: doctor.');
  if (urls.length === 0) throw usageError('An address is missing, such as redis://127.0.0.1:6379.');
  if (cluster && sentinel !== undefined)
    throw usageError('A cluster has no Sentinels: leave out --cluster or --sentinel.');
  if (!/^\d{1,6}$/.test(timeout)) throw usageError('--timeout must be milliseconds, such as 1000.');
  const common = { prefix, callTimeoutMs: Number(timeout), connectTimeoutMs: Number(timeout) * 2 };
  const servers = urls.map(parseServer);
  const targets = buildTargets(servers, cluster, sentinel);
  return { targets: targets.map((target) => ({ ...target, options: { ...common, ...target.options } })), json };
}

function parseArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionDefinitions, allowPositionals: true });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function buildTargets(servers: readonly ParsedServer[], cluster: boolean, sentinel: string | undefined): CheckTarget[] {
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

function parseServer(text: string, index: number): ParsedServer {
  const url = parseRedisUrl(text);
  if (url === null) {
    throw usageError(
      `Address ${index + 1} must be redis://[user:password@]host[:port][/database], or rediss:// for TLS. ` +
        'Write special characters of a password URL-encoded, such as %40 for @.',
    );
  }
  const { host, port = 6379, db = 0, isTls, ...credentials } = url;
  return { address: { host, port }, options: { ...credentials, ...(db > 0 && { db }), ...(isTls && { tls: {} }) } };
}

function usageError(message: string): ConfigurationError {
  return new ConfigurationError('option_invalid', `${message}\n\n${usage}`);
}
