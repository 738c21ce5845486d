// A connection that the store opens and closes itself: ioredis with the safe options.
import { warnOnce } from '../../../events.js';
import { parseOptions } from '../../../parse-options.js';
import { unref } from '../../../timers.js';
import type { ClientObserver } from './client-observer.js';
import { type ConnectOptions, connectOptionsSchema, isSecretOption } from './connect-options.js';
import type { Credentials } from './credentials.js';
import { type IoredisClient, loadIoredis } from './ioredis-module.js';
import { makeClient } from './make-client.js';
import { disableReconnect, enableReconnect } from './redis-client.js';
import type { RedisStoreOptions } from './redis-store-options.js';

export interface OwnedConnection {
  readonly client: IoredisClient;
  readonly credentials: Credentials;
  readonly connectTimeoutMs: number;
  /** The options of the store on this connection. */
  readonly storeOptions: RedisStoreOptions & { readonly prefix: string; readonly callTimeoutMs: number };
}

/** Validates the options and makes the client. Nothing is sent before `connectAndWait`. */
export async function prepareConnection(target: string | ConnectOptions): Promise<OwnedConnection> {
  const given = typeof target === 'string' ? { url: target } : target;
  const { prefix, callTimeoutMs, connectTimeoutMs, durability, storeName, retryQueueLimits, ...clientTarget } =
    parseOptions('RedisStore.connect()', connectOptionsSchema, given, isSecretOption);
  const { client, credentials } = makeClient(await loadIoredis(), clientTarget, callTimeoutMs);
  const storeOptions = { client, prefix, callTimeoutMs, durability, storeName, retryQueueLimits };
  return { client, credentials, connectTimeoutMs, storeOptions };
}

/** Resolves when the client is ready, or after `connectTimeoutMs` with a warning. The client goes on connecting. */
export async function connectAndWait(
  { client, credentials, connectTimeoutMs }: OwnedConnection,
  observer: ClientObserver,
): Promise<void> {
  reportErrors(client, credentials, observer);
  reconnectOnWrongDatabase(client, observer);
  // The promise rejects although ioredis goes on connecting. The error listener gets the cause.
  const connect = () => void client.connect().catch(() => undefined);
  enableReconnect(client, connect);
  const ready = new Promise<void>((resolve) => {
    client.on('ready', () => observer.databaseFailure === null && resolve());
  });
  connect();
  // A silent server causes no error. An early diagnosis finds the cause before the time is over.
  const earlyDiagnosis = unref(setTimeout(() => observer.diagnoseInBackground(), connectTimeoutMs / 4));
  const timer = new Promise<void>((resolve) => unref(setTimeout(resolve, connectTimeoutMs)));
  await Promise.race([ready, timer]);
  clearTimeout(earlyDiagnosis);
  if (client.status === 'ready' && observer.databaseFailure === null)
    return await Promise.race([observer.startupCheckDone(), timer]);
  const cause = observer.failure?.message.replace(/\.$/, '') ?? 'the server has not replied';
  warnOnce(
    'redis_not_connected',
    `Redis is not connected: ${cause}. RedisStore keeps trying; until then its calls fail.`,
  );
}

function reportErrors(client: IoredisClient, credentials: Credentials, observer: ClientObserver): void {
  for (const event of ['error', 'node error', 'sentinelError']) {
    client.on(event, (error: Error) => observer.onClientError(error));
  }
  credentials.onFailure = (error) => observer.onClientError(error);
}

/**
 * If the server refuses the database of the options, ioredis goes on with database 0. Records would be written where nobody
 * looks for them. Therefore this function ends such a connection, and the client connects again.
 */
function reconnectOnWrongDatabase(client: IoredisClient, observer: ClientObserver): void {
  client.on('connect', () => observer.onConnected());
  client.on('error', (error: Error & { readonly command?: { readonly name?: string } }) => {
    if (error.command?.name !== 'select') return;
    observer.onDatabaseRefused(error);
    client.disconnect(true);
  });
}

/** Lets pending calls end within their own deadline, and then disconnects. */
export async function closeConnection(client: IoredisClient): Promise<void> {
  disableReconnect(client);
  await client.quit().catch(() => undefined);
  client.disconnect();
}
