// Removes secrets and control characters from texts of servers and clients before anything shows them.
import { stripVTControlCharacters } from 'node:util';
import type { RedisAddress, RedisClient } from './redis-client.js';

/** Replaces a secret. */
const mask = '***';

/** Longer texts are cut. No useful error text is longer. */
const maxTextLength = 500;

/** A secret whose end is cut off is recognised by this many characters at its beginning. */
const recognisedPrefixLength = 12;

/** Secrets that are in no client option, such as passwords that a function returned. */
const additionalSecrets = new WeakMap<object, readonly string[]>();

/** Registers secrets of a client that are not in its options. The list may grow later. */
export function registerSecrets(client: RedisClient, secrets: readonly string[]): void {
  additionalSecrets.set(client, secrets);
}

/** Makes a text of a server or client safe to show. All other words stay, so that people can look them up. */
export function redact(text: string, client: RedisClient): string {
  return removeSecrets(text, clientSecrets(client));
}

/** Does the same if only the address of the server is known. */
export function redactForAddress(text: string, address: RedisAddress): string {
  return removeSecrets(text, addressSecrets(address));
}

/** For socket paths and host names, in which people also write credentials or a query. */
export function redactName(name: string): string {
  return toPrintable(name.replace(/^.*@/s, `${mask}@`).replace(/\?.*$/s, `?${mask}`));
}

function removeSecrets(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap(encodedForms).sort((a, b) => b.length - a.length);
  // The second pass finds secrets that had control characters in them.
  const once = toPrintable(replaceSecrets(text.slice(0, 10 * maxTextLength), forms));
  const safe = removeCredentials(replaceSecrets(once, forms.map(toPrintable)));
  return safe.length > maxTextLength ? `${safe.slice(0, maxTextLength)} …` : safe;
}

function replaceSecrets(text: string, secrets: readonly string[]): string {
  const whole = secrets.filter((secret) => secret !== '').reduce((left, secret) => left.replaceAll(secret, mask), text);
  return secrets.reduce(replaceTruncatedSecret, whole);
}

/** The secret itself, its form in a URL, and its form in JSON. */
function encodedForms(secret: string): string[] {
  return [
    ...new Set([secret, encodeURIComponent(Buffer.from(secret).toString()), JSON.stringify(secret).slice(1, -1)]),
  ];
}

/** Also replaces a secret whose end a server has cut off: the beginning of a long secret, and all of it that follows. */
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

/** Removes arguments that a server repeats, and credentials of other clients. */
function removeCredentials(text: string): string {
  return text
    .replace(/,? with args beginning with:.*$/s, '')
    .replace(/(\w:\/\/)[^\s/]*@/g, `$1${mask}@`)
    .replace(/\b(pass(?:word|wd|phrase)?|pwd|auth|token|secret)=[^&\s'"]+/gi, `$1=${mask}`);
}

/** Control characters, line separators, invisible characters, and those that change the direction of text. */
const unprintablePattern = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd]+/gu;

/** Also removes escape sequences, with which a server could move the cursor of a terminal. */
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

/** Includes credentials and queries that somebody wrote into the host or the path by mistake. */
function addressSecrets({ password, tls, host, path }: RedisAddress): string[] {
  const userinfo = /^(.*)@/s.exec(String(host ?? ''))?.[1];
  const query = /\?(.*)$/s.exec(String(path ?? ''))?.[1];
  const secrets = [password, tls?.passphrase, userinfo, userinfo?.replace(/^[^:]*:/, ''), query];
  return secrets.filter((secret) => secret !== undefined && secret !== null).map(String);
}
