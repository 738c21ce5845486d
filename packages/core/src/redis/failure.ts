// What an error of Redis or of its client means: was the call executed, and what is to be done.
import { StoreError } from '../errors.js';
import { isCluster, type RedisClient } from './client.js';
import { redacted } from './redact.js';
import { type Meaning, meaningOfReply } from './refusals.js';
import { damagedRecord, foreignKey, newerLayout } from './scripts/record.js';

/** By what the message begins with; the first match decides. Redis' errors carry no code: the first word is the code. */
const meanings: readonly (readonly [RegExp, Meaning])[] = [
  [/^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|MOVED|ASK)\b/, { class: 'unavailable' }],
  [/^(Stream isn't writeable|Cluster isn't ready)/, { class: 'unavailable' }],
  [/^OOM\b/, { class: 'misconfigured', refusal: 'full' }],
  [/^(MISCONF|NOAUTH|WRONGPASS|NOPERM|DENIED)\b/, { class: 'misconfigured' }],
  [new RegExp(`^${newerLayout}\\b`), { class: 'misconfigured' }],
  [new RegExp(`^${damagedRecord}\\b`), { class: 'damaged' }],
  [new RegExp(`^(WRONGTYPE|NOSCRIPT|CROSSSLOT|${foreignKey})\\b`), { class: 'bug' }],
];

/** Redis 6 wraps what a command in a script answered. */
const wrapped = /^ERR Error running script .*?: -?(?=[A-Z]{3,} )/;

/** Everything else may have been executed: time-outs, lost connections, and whatever is not known here. */
export function meaningOf(message: string): Meaning {
  const said = message.replace(wrapped, '');
  return meanings.find(([beginning]) => beginning.test(said))?.[1] ?? meaningOfReply(said) ?? { class: 'unknown' };
}

/**
 * The error of a call. Its message keeps what Redis or the client said, without secrets. The original is left out: ioredis
 * hangs the command with all arguments on it, and nobody's answers belong into a log.
 */
export function storeFailure(call: string, error: unknown, client: RedisClient): StoreError {
  if (error instanceof StoreError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const failed = `Redis failed to ${call}: ${redacted(said, client)}`;
  if (!isCluster(client) && /^(MOVED|ASK) /.test(said)) {
    const remedy = 'This Redis is a node of a cluster; use RedisStore.connect({ cluster: [url] }), or give a Cluster.';
    return new StoreError('misconfigured', `${failed}. ${remedy}`);
  }
  const { class: storeClass, ...options } = meaningOf(said);
  return new StoreError(storeClass === 'unavailable' && resends(client) ? 'unknown' : storeClass, failed, options);
}

/** What such a client was answered last need not be what became of the first send. */
function resends(client: RedisClient): boolean {
  return isCluster(client) || client.options.maxRetriesPerRequest !== 0;
}

/**
 * Whether the key that a call was about holds what this version cannot read, as against a server that refuses: something that
 * is no record, or a damaged record, or one of a newer layout.
 */
export function isUnreadable(error: unknown): boolean {
  return error instanceof StoreError && (error.class === 'damaged' || unreadable.test(error.message));
}

const unreadable = new RegExp(
  `^Redis (failed to \\w+: (?:ERR Error running script .*?: -?)?(WRONGTYPE\\b|${foreignKey}\\b|${newerLayout}\\b|.*data string too short)|answered with )`,
);

/** Whether Redis does not have the script; then it has not run. */
export function lacksScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
