// Error texts of managed services and proxies. Most of them begin with a plain ERR, so their words are compared, and not the
// first word as with errors of Redis itself.
import type { StoreErrorClass, StoreRefusal } from '../../../errors.js';

export interface ErrorClassification {
  readonly class: StoreErrorClass;
  readonly refusal?: StoreRefusal;
}

/** Matches a server's reply, and no error of the client. */
const replyPattern = /^(?:[A-Z]{2,} |Protocol error|no upstream)/;

/** A Lua error in a script. The error of a command within a script has `@user_script` instead. */
const scriptErrorPattern = / user_script:\d+: /;

const tooLargePattern =
  /max (?:request|single record|record|value|key|message|string) size|proto-max-bulk-len|invalid bulk length|too (?:big|large)\b|exceeds? (?:the )?max(?:imum)? (?:allowed )?(?:size|length)/i;

/** Errors that pass without intervention. */
const transientPattern =
  /rate limit|throttl|too many (?:requests|commands|operations)|per (?:second|minute)\b|try again|temporar|overload|connection refused|host is (?:down|unreachable)|no upstream|server (?:is )?(?:down|busy|not available|unavailable)|not ready|starting up|maintenance/i;

const countLimitPattern =
  /(?:requests?|commands?|operations?|bandwidth|throughput|connections?|clients)\b.*\b(?:limit|quota|exceeded|reached)/i;

const fullPattern =
  /quota|(?:capacity|storage|disk|memory|space|database size|db size|data size)\b.*\b(?:limit|exceeded|full|reached)|(?:out of|not enough|insufficient|no) (?:memory|space|storage|disk|capacity)|(?:database|disk|instance) (?:is )?full/i;

const forbiddenPattern =
  /not (?:be )?(?:allowed|permitted|support|available|enabled|implemented|authorized)|can't run this command|ACL failure|unsupported|disabled|forbidden|denied|unauthori[sz]ed|authenticat|invalid (?:password|username|user|token)|without any password|no password is set|no permission|restricted|prohibited|refused|rejected|suspended|expired|unknown (?:redis |sub)?command|invalid command passed|cluster support disabled|DB index is out of range|limit (?:is )?(?:exceeded|reached)/i;

/** Errors that only the store's own scripts or arguments can cause. */
const storeBugPattern =
  /error (?:running|compiling) script|syntax error|wrong number of arg|value is not an? |invalid expire time|number of keys can't be|undeclared key|script attempted to access|arguments must be strings/i;

/** The first match decides. */
const patterns: readonly (readonly [words: RegExp, ErrorClassification])[] = [
  [scriptErrorPattern, { class: 'bug' }],
  [tooLargePattern, { class: 'misconfigured', refusal: 'too_large' }],
  [transientPattern, { class: 'unavailable' }],
  [countLimitPattern, { class: 'misconfigured' }],
  [fullPattern, { class: 'misconfigured', refusal: 'full' }],
  [forbiddenPattern, { class: 'misconfigured' }],
  [storeBugPattern, { class: 'bug' }],
];

/** Null: the text is not known. */
export function classifyReplyMessage(message: string): ErrorClassification | null {
  if (!replyPattern.test(message)) return null;
  return patterns.find(([words]) => words.test(message))?.[1] ?? null;
}

/** Whether the server has no INFO, or has it under another name. */
export function isInfoMissing(message: string): boolean {
  return /^ERR unknown command .{0,3}info\b/i.test(message);
}
