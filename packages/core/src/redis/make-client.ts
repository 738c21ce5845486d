// The client that a store's options describe: ioredis with the options that hold under faults.
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import type { ConnectFields } from './connect-options.js';
import { type Connecting, directConnector, sentinelConnector } from './connectors.js';
import { Credentials } from './credentials.js';
import { addSecrets } from './redact.js';
import { safeClusterOptions, safeRedisOptions } from './safe-options.js';
import { ClientWatch } from './watch.js';

export type Client = Redis | Cluster;

type Ioredis = Pick<typeof import('ioredis'), 'Redis' | 'Cluster' | 'AbstractConnector' | 'SentinelConnector'>;
/** `replyMapping` decides a type parameter of the client. */
type PlainOptions = Omit<RedisOptions, 'replyMapping'>;
type PlainClusterOptions = Omit<ClusterOptions, 'redisOptions'> & { redisOptions: PlainOptions };

type Where = Omit<ConnectFields, 'prefix' | 'storeTimeoutMs' | 'connectTimeoutMs' | 'durability'>;
type Login = ReturnType<typeof loginOf>;

export function makeClient(ioredis: Ioredis, where: Where, storeTimeoutMs: number): Client {
  const { username, password } = { ...where, ...where.url };
  const credentials = new Credentials({ username, password });
  const shared: Connecting = { credentials, skipsReadyCheck: false };
  const login = loginOf(ioredis, where, shared);
  const client = where.cluster
    ? makeCluster(ioredis, where, login, storeTimeoutMs)
    : makeSingle(ioredis, where, login, storeTimeoutMs);
  for (const event of ['error', 'node error']) {
    client.on(event, (error: Error) => {
      if (lacksInfo.test(error.message)) shared.skipsReadyCheck = true;
    });
  }
  addSecrets(client, credentials.issued);
  credentials.onFailure = (error) => ClientWatch.of(client).heard(error);
  return client;
}

/** A server may have no INFO, or under another name. Then a command that comes too early fails by itself. */
const lacksInfo = /^ERR unknown command .?info\b/i;

function loginOf(ioredis: Ioredis, { sentinels }: Where, shared: Connecting) {
  const connector = sentinels ? sentinelConnector : directConnector;
  return { ...shared.credentials.fixed, Connector: connector(ioredis, shared) };
}

function makeCluster(ioredis: Ioredis, where: Where, login: Login, storeTimeoutMs: number): Cluster {
  const { cluster = [], natMap, dnsLookup, url: _url, username: _user, password: _password, ...rest } = where;
  const safe = safeClusterOptions(storeTimeoutMs);
  const options = {
    ...(natMap && { natMap }),
    ...clusterLookup(dnsLookup, rest.tls !== undefined),
    ...safe,
    redisOptions: { ...rest, ...login, ...safe.redisOptions },
  };
  return new ioredis.Cluster(cluster, options as PlainClusterOptions);
}

/** Certificates name hosts, and a client that has looked up a host's address cannot compare. */
function clusterLookup(dnsLookup: ClusterOptions['dnsLookup'], isTls: boolean): Pick<ClusterOptions, 'dnsLookup'> {
  if (dnsLookup !== undefined) return { dnsLookup };
  return isTls ? { dnsLookup: (host, callback) => callback(null, host) } : {};
}

/** Of one server, or of the master that Sentinels name. */
function makeSingle(ioredis: Ioredis, where: Where, login: Login, storeTimeoutMs: number): Redis {
  const { url, natMap, dnsLookup: _lookup, cluster: _cluster, username: _user, password: _password, ...rest } = where;
  const { isTls = false, username: _urlUser, password: _urlPassword, ...fromUrl } = url ?? {};
  const options = {
    ...rest,
    ...fromUrl,
    ...(isTls && { tls: rest.tls ?? {} }),
    ...(natMap && { natMap }),
    ...(rest.sentinels && rest.tls && { enableTLSForSentinelMode: true }),
    ...login,
    ...safeRedisOptions(storeTimeoutMs),
  };
  return new ioredis.Redis(options as PlainOptions);
}
