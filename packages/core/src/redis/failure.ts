// What an error of Redis or of its client means: was the call executed, and what is to be done.
import { StoreError, type StoreErrorClass } from '../errors.js';
import { isCluster, type RedisClient } from './client.js';
import { damagedRecord, foreignKey, newerLayout } from './scripts/record.js';

/** By what the message begins with; the first match decides. Redis' errors carry no code: the first word is the code. */
const classes: readonly (readonly [RegExp, StoreErrorClass])[] = [
  [/^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|MOVED|ASK)\b/, 'unavailable'],
  [/^(Stream isn't writeable|Cluster isn't ready)/, 'unavailable'],
  [/^(OOM|MISCONF|NOAUTH|WRONGPASS|NOPERM|DENIED)\b/, 'misconfigured'],
  [
    /^ERR (max number of clients|unknown (Redis )?command|This instance has cluster support disabled|DB index is out of range)/i,
    'misconfigured',
  ],
  // NOPERM, as Redis 7 says it in a script, and later versions.
  [/^ERR (The user executing the script can't|ACL failure in script)/, 'misconfigured'],
  [new RegExp(`^${newerLayout}\\b`), 'misconfigured'],
  [new RegExp(`^${damagedRecord}\\b`), 'damaged'],
  [new RegExp(`^(WRONGTYPE|NOSCRIPT|CROSSSLOT|ERR|${foreignKey})\\b`), 'bug'],
];

/** What stands under the key is no record that this version can read. */
const unreadableRecord = new RegExp(`^(WRONGTYPE|${newerLayout}|${foreignKey}|${damagedRecord})\\b`);

/** Redis 6 wraps what a command in a script answered. */
const wrapped = /^ERR Error running script .*?: -?(?=[A-Z]{3,} )/;

/** Everything else may have been executed: time-outs, lost connections, and whatever is not known here. */
export function failureClass(message: string): StoreErrorClass {
  const said = message.replace(wrapped, '');
  return classes.find(([beginning]) => beginning.test(said))?.[1] ?? 'unknown';
}

/**
 * The error of a call. Its message keeps what Redis or the client said. The original is left out: ioredis hangs the
 * command with all arguments on it, and nobody's answers belong into a log.
 */
export function storeFailure(call: string, error: unknown, client: RedisClient): StoreError {
  if (error instanceof StoreError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const failed = `Redis failed to ${call}: ${said}`;
  if (!isCluster(client) && /^(MOVED|ASK) /.test(said)) {
    const remedy = 'This Redis is a node of a cluster; use RedisStore.connect({ cluster: [url] }), or give a Cluster.';
    return new StoreError('misconfigured', `${failed}. ${remedy}`);
  }
  const storeClass = failureClass(said);
  const unreadable = unreadableRecord.test(said.replace(wrapped, ''));
  return new StoreError(storeClass === 'unavailable' && resends(client) ? 'unknown' : storeClass, failed, {
    unreadable,
  });
}

/** What such a client was answered last need not be what became of the first send. */
function resends(client: RedisClient): boolean {
  return isCluster(client) || client.options.maxRetriesPerRequest !== 0;
}

/** Whether Redis does not have the script; then it has not run. */
export function lacksScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
