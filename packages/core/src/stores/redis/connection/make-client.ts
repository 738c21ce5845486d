// The client that a store's options describe: ioredis with the options that hold under faults.
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { ClientMonitor } from '../diagnostics/client-monitor.js';
import type { ParsedConnectOptions } from './connect-options.js';
import { createDirectConnector, createSentinelConnector, type SharedConnectionState } from './connectors.js';
import { Credentials } from './credentials.js';
import { registerSecrets } from './redact.js';
import { safeClusterOptions, safeRedisOptions } from './safe-options.js';

export type IoredisClient = Redis | Cluster;

type IoredisClasses = Pick<typeof import('ioredis'), 'Redis' | 'Cluster' | 'AbstractConnector' | 'SentinelConnector'>;
/** `replyMapping` decides a type parameter of the client. */
type PlainOptions = Omit<RedisOptions, 'replyMapping'>;
type PlainClusterOptions = Omit<ClusterOptions, 'redisOptions'> & { redisOptions: PlainOptions };

type ConnectionTarget = Omit<
  ParsedConnectOptions,
  'prefix' | 'callTimeoutMs' | 'connectTimeoutMs' | 'durability' | 'storeName' | 'retryQueueLimits'
>;
type AuthOptions = ReturnType<typeof buildAuthOptions>;

export function makeClient(ioredis: IoredisClasses, where: ConnectionTarget, callTimeoutMs: number): IoredisClient {
  const { username, password } = { ...where, ...where.url };
  const credentials = new Credentials({ username, password });
  const shared: SharedConnectionState = { credentials, skipsReadyCheck: false };
  const login = buildAuthOptions(ioredis, where, shared);
  const client = where.cluster
    ? makeClusterClient(ioredis, where, login, callTimeoutMs)
    : makeSingleClient(ioredis, where, login, callTimeoutMs);
  for (const event of ['error', 'node error']) {
    client.on(event, (error: Error) => {
      if (infoMissingPattern.test(error.message)) shared.skipsReadyCheck = true;
    });
  }
  registerSecrets(client, credentials.issuedPasswords);
  credentials.onFailure = (error) => ClientMonitor.forClient(client).onClientError(error);
  return client;
}

/** A server may have no INFO, or under another name. Then a command that comes too early fails by itself. */
const infoMissingPattern = /^ERR unknown command .?info\b/i;

function buildAuthOptions(ioredis: IoredisClasses, { sentinels }: ConnectionTarget, shared: SharedConnectionState) {
  const connector = sentinels ? createSentinelConnector : createDirectConnector;
  return { ...shared.credentials.staticCredentials, Connector: connector(ioredis, shared) };
}

function makeClusterClient(
  ioredis: IoredisClasses,
  where: ConnectionTarget,
  login: AuthOptions,
  callTimeoutMs: number,
): Cluster {
  const { cluster = [], natMap, dnsLookup, url: _url, username: _user, password: _password, ...rest } = where;
  const safe = safeClusterOptions(callTimeoutMs);
  const options = {
    ...(natMap && { natMap }),
    ...clusterDnsLookup(dnsLookup, rest.tls !== undefined),
    ...safe,
    redisOptions: { ...rest, ...login, ...safe.redisOptions },
  };
  return new ioredis.Cluster(cluster, options as PlainClusterOptions);
}

/** Certificates name hosts, and a client that has looked up a host's address cannot compare. */
function clusterDnsLookup(dnsLookup: ClusterOptions['dnsLookup'], isTls: boolean): Pick<ClusterOptions, 'dnsLookup'> {
  if (dnsLookup !== undefined) return { dnsLookup };
  return isTls ? { dnsLookup: (host, callback) => callback(null, host) } : {};
}

/** Of one server, or of the master that Sentinels name. */
function makeSingleClient(
  ioredis: IoredisClasses,
  where: ConnectionTarget,
  login: AuthOptions,
  callTimeoutMs: number,
): Redis {
  const { url, natMap, dnsLookup: _lookup, cluster: _cluster, username: _user, password: _password, ...rest } = where;
  const { isTls = false, username: _urlUser, password: _urlPassword, ...fromUrl } = url ?? {};
  const options = {
    ...rest,
    ...fromUrl,
    ...(isTls && { tls: rest.tls ?? {} }),
    ...(natMap && { natMap }),
    ...(rest.sentinels && rest.tls && { enableTLSForSentinelMode: true }),
    ...login,
    ...safeRedisOptions(callTimeoutMs),
  };
  return new ioredis.Redis(options as PlainOptions);
}
