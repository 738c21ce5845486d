// Texts of servers and clients, before they go into messages, events and findings: without secrets and control characters.
import { stripVTControlCharacters } from 'node:util';
import type { RedisAddress, RedisClient } from './redis-client.js';

/** In place of a secret. */
const mask = '***';

/** Longer texts are cut: no server has more to say about one call. */
const maxTextLength = 500;

/** So many characters at the beginning of a secret are recognised where the rest is cut off. */
const recognisedPrefixLength = 12;

/** Secrets that are in no option, such as the passwords that a function returned. */
const additionalSecrets = new WeakMap<object, readonly string[]>();

/** Adds secrets of a client that its options do not have. The list may grow afterwards. */
export function registerSecrets(client: RedisClient, secrets: readonly string[]): void {
  additionalSecrets.set(client, secrets);
}

/** A text of a server or client, safe to show. Its words stay, so that people can look them up. */
export function redact(text: string, client: RedisClient): string {
  return removeSecrets(text, clientSecrets(client));
}

/** The same where only an address is known. */
export function redactForAddress(text: string, address: RedisAddress): string {
  return removeSecrets(text, addressSecrets(address));
}

/** `unix` paths and host names, which people also write with credentials or a query. */
export function redactName(name: string): string {
  return toPrintable(name.replace(/^.*@/s, `${mask}@`).replace(/\?.*$/s, `?${mask}`));
}

function removeSecrets(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap(encodedForms).sort((a, b) => b.length - a.length);
  // Twice, since control characters may have stood in the middle of a secret.
  const once = toPrintable(replaceSecrets(text.slice(0, 10 * maxTextLength), forms));
  const safe = removeCredentials(replaceSecrets(once, forms.map(toPrintable)));
  return safe.length > maxTextLength ? `${safe.slice(0, maxTextLength)} …` : safe;
}

function replaceSecrets(text: string, secrets: readonly string[]): string {
  const whole = secrets.filter((secret) => secret !== '').reduce((left, secret) => left.replaceAll(secret, mask), text);
  return secrets.reduce(replaceTruncatedSecret, whole);
}

/** As it is, as in a URL, and as in JSON. */
function encodedForms(secret: string): string[] {
  return [
    ...new Set([secret, encodeURIComponent(Buffer.from(secret).toString()), JSON.stringify(secret).slice(1, -1)]),
  ];
}

/** Also where a server has cut it off: the beginning of a long secret counts, with all that follows of it. */
function replaceTruncatedSecret(text: string, secret: string): string {
  const beginning = secret.slice(0, recognisedPrefixLength);
  if (beginning.length === secret.length) return text;
  let result = '';
  let from = 0;
  for (let at = text.indexOf(beginning); at >= 0; at = text.indexOf(beginning, from)) {
    let end = at + beginning.length;
    while (end - at < secret.length && text[end] === secret[end - at]) end += 1;
    result += text.slice(from, at) + mask;
    from = end;
  }
  return result + text.slice(from);
}

/** What servers repeat of a command, and credentials that are no option of this client. */
function removeCredentials(text: string): string {
  return text
    .replace(/,? with args beginning with:.*$/s, '')
    .replace(/(\w:\/\/)[^\s/]*@/g, `$1${mask}@`)
    .replace(/\b(pass(?:word|wd|phrase)?|pwd|auth|token|secret)=[^&\s'"]+/gi, `$1=${mask}`);
}

/** Control characters, line separators, and what changes the direction of text or cannot be seen. */
const unprintablePattern = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd]+/gu;

/** Without escape sequences either, with which a server could move the cursor of a terminal. */
function toPrintable(text: string): string {
  return stripVTControlCharacters(text).replace(unprintablePattern, ' ').trim();
}

function clientSecrets(client: RedisClient): string[] {
  const { options } = client;
  const { redisOptions = {}, sentinels, sentinelPassword, sentinelTLS } = options;
  const nodes = client.nodes?.('master') ?? [];
  const sentinel = { password: sentinelPassword, tls: sentinelTLS };
  const addresses = [options, redisOptions, sentinel, ...(sentinels ?? []), ...nodes.map((node) => node.options)];
  return [...new Set([...addresses.flatMap(addressSecrets), ...(additionalSecrets.get(client) ?? [])])];
}

/** Also what stands in a host or path that was given with credentials or a query by mistake. */
function addressSecrets({ password, tls, host, path }: RedisAddress): string[] {
  const userinfo = /^(.*)@/s.exec(String(host ?? ''))?.[1];
  const query = /\?(.*)$/s.exec(String(path ?? ''))?.[1];
  const found = [password, tls?.passphrase, userinfo, userinfo?.replace(/^[^:]*:/, ''), query];
  return found.filter((secret) => secret !== undefined && secret !== null).map(String);
}
