// What servers say beside the first words that Redis itself uses: the texts of managed services and proxies, of which most
// begin with a plain ERR.
import type { StoreErrorClass, StoreRefusal } from '../../../errors.js';

export interface ErrorClassification {
  readonly class: StoreErrorClass;
  readonly refusal?: StoreRefusal;
}

/** A server's reply, as against an error of the client. */
const replyPattern = /^(?:[A-Z]{2,} |Protocol error|no upstream)/;

/** A fault of Lua in a script. What a command in a script was answered stands behind `@user_script`. */
const scriptErrorPattern = / user_script:\d+: /;

const tooLargePattern =
  /max (?:request|single record|record|value|key|message|string) size|proto-max-bulk-len|invalid bulk length|too (?:big|large)\b|exceeds? (?:the )?max(?:imum)? (?:allowed )?(?:size|length)/i;

/** Over after a while, without anybody's help. */
const transientPattern =
  /rate limit|throttl|too many (?:requests|commands|operations)|per (?:second|minute)\b|try again|temporar|overload|connection refused|host is (?:down|unreachable)|no upstream|server (?:is )?(?:down|busy|not available|unavailable)|not ready|starting up|maintenance/i;

const countLimitPattern =
  /(?:requests?|commands?|operations?|bandwidth|throughput|connections?|clients)\b.*\b(?:limit|quota|exceeded|reached)/i;

const fullPattern =
  /quota|(?:capacity|storage|disk|memory|space|database size|db size|data size)\b.*\b(?:limit|exceeded|full|reached)|(?:out of|not enough|insufficient|no) (?:memory|space|storage|disk|capacity)|(?:database|disk|instance) (?:is )?full/i;

const forbiddenPattern =
  /not (?:be )?(?:allowed|permitted|support|available|enabled|implemented|authorized)|can't run this command|ACL failure|unsupported|disabled|forbidden|denied|unauthori[sz]ed|authenticat|invalid (?:password|username|user|token)|without any password|no password is set|no permission|restricted|prohibited|refused|rejected|suspended|expired|unknown (?:redis |sub)?command|invalid command passed|cluster support disabled|DB index is out of range|limit (?:is )?(?:exceeded|reached)/i;

/** What only a script or an argument of ours can cause. */
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

/** Null: nothing is known of such a text. */
export function classifyReplyMessage(said: string): ErrorClassification | null {
  if (!replyPattern.test(said)) return null;
  return patterns.find(([words]) => words.test(said))?.[1] ?? null;
}
