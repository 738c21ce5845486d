// Classifies an error of Redis or of its client: whether the call was executed, and who must act.
import { StoreError } from '../../../errors.js';
import { damagedRecordCode, foreignKeyCode, newerLayoutCode } from '../wire/scripts/record-layout.js';
import { redact } from './redact.js';
import { isCluster, type RedisClient } from './redis-client.js';
import { classifyReplyMessage, type ErrorClassification } from './server-error-patterns.js';

/** By the beginning of the message. The first match decides. Redis' errors have no code; their first word serves as one. */
const patterns: readonly (readonly [RegExp, ErrorClassification])[] = [
  [/^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|MOVED|ASK)\b/, { class: 'unavailable' }],
  [/^(Stream isn't writeable|Cluster isn't ready)/, { class: 'unavailable' }],
  [/^OOM\b/, { class: 'misconfigured', refusal: 'full' }],
  [/^(MISCONF|NOAUTH|WRONGPASS|NOPERM|DENIED)\b/, { class: 'misconfigured' }],
  [new RegExp(`^${newerLayoutCode}\\b`), { class: 'misconfigured' }],
  [new RegExp(`^${damagedRecordCode}\\b`), { class: 'damaged' }],
  [new RegExp(`^(WRONGTYPE|NOSCRIPT|CROSSSLOT|${foreignKeyCode})\\b`), { class: 'bug' }],
];

/** The key holds something that this version cannot read as a record. The last pattern matches a record that is too short. */
const unreadableRecordPattern = new RegExp(
  `^(WRONGTYPE\\b|${newerLayoutCode}\\b|${foreignKeyCode}\\b|${damagedRecordCode}\\b|.*data string too short)`,
);

/** Redis 6 wraps the error of a command within a script. */
const scriptErrorWrapper = /^ERR Error running script .*?: -?(?=[A-Z]{3,} )/;

/** An error that matches no pattern is `unknown`: the call may have been executed, as after a lost connection. */
export function classifyMessage(message: string): ErrorClassification {
  const unwrapped = message.replace(scriptErrorWrapper, '');
  return (
    patterns.find(([beginning]) => beginning.test(unwrapped))?.[1] ??
    classifyReplyMessage(unwrapped) ?? { class: 'unknown' }
  );
}

/**
 * Makes the error of a failed call. Its message keeps the text of Redis or the client, without secrets. The original error is
 * not its cause: ioredis attaches the command with all arguments to it, and recorded outcomes must not get into logs.
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

/** Such a client may have sent the command before. Its last reply does not say whether an earlier send was executed. */
function mayResend(client: RedisClient): boolean {
  return isCluster(client) || client.options.maxRetriesPerRequest !== 0;
}

/** Whether Redis does not know the script's digest. The script has not run then. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
