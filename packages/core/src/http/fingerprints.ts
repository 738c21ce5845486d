// The ways in which a middleware compares requests: the one for new records, and those that older records were made with.
import { fingerprintOf } from './body-fingerprint.js';
import { callWithin } from './callback.js';
import type { Exchange } from './exchange.js';
import { chosenVersion, defaultVersion, fingerprintOfValue } from './fingerprint.js';
import { splitTarget } from './name.js';
import type { CheckedHttpOptions, FingerprintFunction } from './options.js';

interface Way<Request> {
  readonly version: string;
  /** Null: by method, target and body. */
  readonly of: FingerprintFunction<Request> | null;
}

export class Fingerprints<Request> {
  readonly #ways: readonly Way<Request>[];
  readonly #callbackTimeoutMs: number;

  constructor({
    fingerprint,
    callbackTimeoutMs,
  }: Pick<CheckedHttpOptions<Request>, 'fingerprint' | 'callbackTimeoutMs'>) {
    this.#ways = waysIn(fingerprint);
    this.#callbackTimeoutMs = callbackTimeoutMs;
  }

  /** For a new record. Null: payloads are not compared. */
  async current(request: Request, exchange: Exchange): Promise<string | null> {
    const [way] = this.#ways;
    return way === undefined ? null : await this.#apply(way, request, exchange);
  }

  /** For a record that was made under another version. Null: this version is the current one, or is not known here. */
  async under(version: string, request: Request, exchange: Exchange): Promise<string | null> {
    const way = this.#ways.slice(1).find((one) => one.version === version);
    return way === undefined ? null : await this.#apply(way, request, exchange);
  }

  async #apply({ version, of }: Way<Request>, request: Request, exchange: Exchange): Promise<string> {
    if (of !== null) {
      return fingerprintOfValue(version, await callWithin('fingerprint', this.#callbackTimeoutMs, () => of(request)));
    }
    await exchange.bodyKnown?.();
    return fingerprintOf(exchange, { method: exchange.method, ...splitTarget(exchange.originalUrl) });
  }
}

function waysIn<Request>(option: CheckedHttpOptions<Request>['fingerprint']): Way<Request>[] {
  if (option === false) return [];
  const list = option === undefined ? ['default' as const] : typeof option === 'function' ? [option] : option;
  return list.map((one) => {
    if (one === 'default') return { version: defaultVersion, of: null };
    return typeof one === 'function' ? { version: chosenVersion, of: one } : one;
  });
}
