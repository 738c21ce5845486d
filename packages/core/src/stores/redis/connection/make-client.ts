// Makes the ioredis client that the options of RedisStore.connect describe, with the safe options.
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import type { ParsedConnectOptions } from './connect-options.js';
import { createDirectConnector, createSentinelConnector, type SharedConnectionState } from './connectors.js';
import { Credentials } from './credentials.js';
import type { IoredisClasses, IoredisClient } from './ioredis-module.js';
import { registerSecrets } from './redact.js';
import { safeClusterOptions, safeRedisOptions } from './safe-options.js';
import { scriptClientClass } from './script-client.js';
import { isInfoMissing } from './server-error-patterns.js';

/** `replyMapping` decides a type parameter of the client. */
type PlainOptions = Omit<RedisOptions, 'replyMapping'>;
type PlainClusterOptions = Omit<ClusterOptions, 'redisOptions'> & { redisOptions: PlainOptions };

type ConnectionTarget = Omit<
  ParsedConnectOptions,
  'prefix' | 'callTimeoutMs' | 'connectTimeoutMs' | 'durability' | 'storeName' | 'retryQueueLimits'
>;
type AuthOptions = ReturnType<typeof buildAuthOptions>;

/** The client is not connected yet. */
export function makeClient(
  ioredis: IoredisClasses,
  target: ConnectionTarget,
  callTimeoutMs: number,
): { readonly client: IoredisClient; readonly credentials: Credentials } {
  const { username, password } = { ...target, ...target.url };
  const credentials = new Credentials({ username, password });
  const shared: SharedConnectionState = { credentials, skipsReadyCheck: false };
  const auth = buildAuthOptions(ioredis, target, shared);
  const client = target.cluster
    ? makeClusterClient(ioredis, target, auth, callTimeoutMs)
    : makeSingleClient(ioredis, target, auth, callTimeoutMs);
  for (const event of ['error', 'node error']) {
    client.on(event, (error: Error) => {
      // Without the ready check, a command that is sent too early fails by itself.
      if (isInfoMissing(error.message)) shared.skipsReadyCheck = true;
    });
  }
  registerSecrets(client, credentials.issuedPasswords);
  return { client, credentials };
}

function buildAuthOptions(ioredis: IoredisClasses, { sentinels }: ConnectionTarget, shared: SharedConnectionState) {
  const createConnector = sentinels ? createSentinelConnector : createDirectConnector;
  return { ...shared.credentials.staticCredentials, Connector: createConnector(ioredis, shared) };
}

function makeClusterClient(
  ioredis: IoredisClasses,
  target: ConnectionTarget,
  auth: AuthOptions,
  callTimeoutMs: number,
): Cluster {
  const { cluster = [], natMap, dnsLookup, url: _url, username: _user, password: _password, ...rest } = target;
  const safe = safeClusterOptions(callTimeoutMs);
  const options = {
    ...(natMap && { natMap }),
    ...clusterDnsLookup(dnsLookup, rest.tls !== undefined),
    ...safe,
    redisOptions: { ...rest, ...auth, ...safe.redisOptions },
  };
  return new ioredis.Cluster(cluster, options as PlainClusterOptions);
}

/** With TLS the client must connect by host name: certificates name hosts, and an address would not match them. */
function clusterDnsLookup(dnsLookup: ClusterOptions['dnsLookup'], isTls: boolean): Pick<ClusterOptions, 'dnsLookup'> {
  if (dnsLookup !== undefined) return { dnsLookup };
  return isTls ? { dnsLookup: (host, callback) => callback(null, host) } : {};
}

/** Makes a client of one server, or of the master that Sentinels name. */
function makeSingleClient(
  ioredis: IoredisClasses,
  target: ConnectionTarget,
  auth: AuthOptions,
  callTimeoutMs: number,
): Redis {
  const { url, natMap, dnsLookup: _lookup, cluster: _cluster, username: _user, password: _password, ...rest } = target;
  const { isTls = false, username: _urlUser, password: _urlPassword, ...fromUrl } = url ?? {};
  const options = {
    ...rest,
    ...fromUrl,
    ...(isTls && { tls: rest.tls ?? {} }),
    ...(natMap && { natMap }),
    ...(rest.sentinels && rest.tls && { enableTLSForSentinelMode: true }),
    ...auth,
    ...safeRedisOptions(callTimeoutMs),
  };
  return new (scriptClientClass(ioredis))(options as PlainOptions);
}
