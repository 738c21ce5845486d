// What an error of Redis or of its client means: was the call executed, and what is to be done.
import { StoreError } from '../../../errors.js';
import { damagedRecordCode, foreignKeyCode, newerLayoutCode } from '../wire/scripts/record-fragments.js';
import { redact } from './redact.js';
import { isCluster, type RedisClient } from './redis-client.js';
import { classifyReplyMessage, type ErrorClassification } from './server-error-patterns.js';

/** By what the message begins with; the first match decides. Redis' errors carry no code: the first word is the code. */
const patterns: readonly (readonly [RegExp, ErrorClassification])[] = [
  [/^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|MOVED|ASK)\b/, { class: 'unavailable' }],
  [/^(Stream isn't writeable|Cluster isn't ready)/, { class: 'unavailable' }],
  [/^OOM\b/, { class: 'misconfigured', refusal: 'full' }],
  [/^(MISCONF|NOAUTH|WRONGPASS|NOPERM|DENIED)\b/, { class: 'misconfigured' }],
  [new RegExp(`^${newerLayoutCode}\\b`), { class: 'misconfigured' }],
  [new RegExp(`^${damagedRecordCode}\\b`), { class: 'damaged' }],
  [new RegExp(`^(WRONGTYPE|NOSCRIPT|CROSSSLOT|${foreignKeyCode})\\b`), { class: 'bug' }],
];

/** The key holds something that this version cannot read as a record. The last is a string with the mark of a record, and too short. */
const unreadableRecordPattern = new RegExp(
  `^(WRONGTYPE\\b|${newerLayoutCode}\\b|${foreignKeyCode}\\b|${damagedRecordCode}\\b|.*data string too short)`,
);

/** Redis 6 wraps what a command in a script answered. */
const scriptErrorWrapper = /^ERR Error running script .*?: -?(?=[A-Z]{3,} )/;

/** Everything else may have been executed: time-outs, lost connections, and whatever is not known here. */
export function classifyMessage(message: string): ErrorClassification {
  const unwrapped = message.replace(scriptErrorWrapper, '');
  return (
    patterns.find(([beginning]) => beginning.test(unwrapped))?.[1] ??
    classifyReplyMessage(unwrapped) ?? { class: 'unknown' }
  );
}

/**
 * The error of a call. Its message keeps what Redis or the client said, without secrets. The original is left out: ioredis
 * hangs the command with all arguments on it, and nobody's answers belong into a log.
 */
export function toStoreError(call: string, error: unknown, client: RedisClient): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const description = `Redis failed to ${call}: ${redact(message, client)}`;
  if (!isCluster(client) && /^(MOVED|ASK) /.test(message)) {
    const remedy = 'This Redis is a node of a cluster; use RedisStore.connect({ cluster: [url] }), or give a Cluster.';
    return new StoreError('misconfigured', `${description}. ${remedy}`);
  }
  const { class: storeClass, ...options } = classifyMessage(message);
  const unreadable = unreadableRecordPattern.test(message.replace(scriptErrorWrapper, ''));
  const effectiveClass = storeClass === 'unavailable' && mayResend(client) ? 'unknown' : storeClass;
  return new StoreError(effectiveClass, description, { ...options, unreadable });
}

/** What such a client was answered last need not be what became of the first send. */
function mayResend(client: RedisClient): boolean {
  return isCluster(client) || client.options.maxRetriesPerRequest !== 0;
}

/** Whether Redis does not have the script; then it has not run. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
