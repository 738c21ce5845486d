// A connection that the store owns: ioredis with the options that hold under faults.
import { ConfigurationError } from '../../../errors.js';
import { warnOnce } from '../../../events.js';
import { parseOptions } from '../../../parse-options.js';
import { unref } from '../../../timers.js';
import { ClientMonitor } from '../diagnostics/client-monitor.js';
import { type ConnectOptions, connectOptionsSchema, isSecretOption } from './connect-options.js';
import { type IoredisClient, makeClient } from './make-client.js';
import { disableReconnect, enableReconnect } from './redis-client.js';

/** Of the client nothing is asked before `connected`. */
export async function prepareConnection(target: string | ConnectOptions) {
  const given = typeof target === 'string' ? { url: target } : target;
  const { prefix, callTimeoutMs, connectTimeoutMs, durability, storeName, retryQueueLimits, ...where } = parseOptions(
    'RedisStore.connect()',
    connectOptionsSchema,
    given,
    isSecretOption,
  );
  const client = makeClient(await loadIoredis(), where, callTimeoutMs);
  const store = { client, prefix, callTimeoutMs, durability, storeName, retryQueueLimits };
  return { client, connectTimeoutMs, store };
}

/** Resolves when the client is ready, or after `timeoutMs`; then a warning has said what stands in the way. */
export async function connectAndWait(client: IoredisClient, timeoutMs: number): Promise<void> {
  const watch = ClientMonitor.forClient(client);
  for (const event of ['error', 'node error', 'sentinelError']) {
    client.on(event, (error: Error) => watch.onClientError(error));
  }
  reconnectOnWrongDatabase(client, watch);
  // It rejects although ioredis goes on connecting; the error listener has heard why.
  const connect = () => void client.connect().catch(() => undefined);
  enableReconnect(client, connect);
  const ready = new Promise<void>((resolve) => {
    client.on('ready', () => watch.databaseFailure === null && resolve());
  });
  connect();
  // A server that says nothing at all is asked why while there is time to hear it.
  const earlyDiagnosis = unref(setTimeout(() => watch.diagnoseInBackground(), timeoutMs / 4));
  const timer = new Promise<void>((resolve) => unref(setTimeout(resolve, timeoutMs)));
  await Promise.race([ready, timer]);
  clearTimeout(earlyDiagnosis);
  if (client.status === 'ready' && watch.databaseFailure === null)
    return await Promise.race([watch.startupCheckDone(), timer]);
  const cause = watch.failure?.message.replace(/\.$/, '') ?? 'the server has not answered';
  warnOnce(
    'redis_not_connected',
    `Redis is not connected: ${cause}. RedisStore keeps trying; until then its calls fail.`,
  );
}

/**
 * ioredis goes on with database 0 where it is refused the one that it was told: records would lie where nobody looks for
 * them. Such a connection is given up, and made again.
 */
function reconnectOnWrongDatabase(client: IoredisClient, watch: ClientMonitor): void {
  client.on('connect', () => watch.onDatabaseSelected(null));
  client.on('error', (error: Error & { readonly command?: { readonly name?: string } }) => {
    if (error.command?.name !== 'select') return;
    watch.onDatabaseSelected(error);
    client.disconnect(true);
  });
}

/** Lets calls that are under way end, within their own deadline. */
export async function closeConnection(client: IoredisClient): Promise<void> {
  disableReconnect(client);
  await client.quit().catch(() => undefined);
  client.disconnect();
}

type IoredisClasses = Pick<typeof import('ioredis'), 'Redis' | 'Cluster' | 'AbstractConnector' | 'SentinelConnector'>;

async function loadIoredis(): Promise<IoredisClasses> {
  return extractIoredisClasses(await importIoredis());
}

/**
 * ioredis is a CommonJS package whose `module.exports` is the class `Redis`. Node gives its classes as named exports; a
 * bundler, or a test runner that replaces the module, may give them on the default export alone.
 */
function extractIoredisClasses(imported: object): IoredisClasses {
  const exported = 'default' in imported ? Object(imported.default) : {};
  const classNamed = (name: string) => [imported, exported].flatMap((at) => (name in at ? [at[name]] : []))[0];
  return {
    Redis: classNamed('Redis') ?? exported,
    Cluster: classNamed('Cluster'),
    AbstractConnector: classNamed('AbstractConnector'),
    SentinelConnector: classNamed('SentinelConnector'),
  };
}

async function importIoredis(): Promise<object> {
  try {
    return await import('ioredis');
  } catch (cause) {
    const remedy = 'Install it (npm install ioredis), or pass a client to new RedisStore({ client }).';
    throw new ConfigurationError('option_invalid', `RedisStore.connect() needs the package ioredis. ${remedy}`, {
      cause,
    });
  }
}
