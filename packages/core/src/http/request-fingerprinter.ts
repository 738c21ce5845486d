// The ways in which a middleware compares requests: the one for new records, and those that older records were made with.
import { defaultFingerprint } from './default-fingerprint.js';
import { customFingerprintVersion, defaultFingerprintVersion, fingerprintCustomValue } from './fingerprint.js';
import type { HttpExchange } from './http-exchange.js';
import type { CheckedHttpOptions, FingerprintFunction } from './http-options.js';
import { callWithTimeout } from './option-callbacks.js';
import { splitTarget } from './record-name.js';

interface FingerprintRule<Request> {
  readonly version: string;
  /** Null: by method, target and body. */
  readonly of: FingerprintFunction<Request> | null;
}

export class RequestFingerprinter<Request> {
  readonly #rules: readonly FingerprintRule<Request>[];
  readonly #callbackTimeoutMs: number;

  constructor({
    fingerprint,
    callbackTimeoutMs,
  }: Pick<CheckedHttpOptions<Request>, 'fingerprint' | 'callbackTimeoutMs'>) {
    this.#rules = rulesFrom(fingerprint);
    this.#callbackTimeoutMs = callbackTimeoutMs;
  }

  /** For a new record. Null: payloads are not compared. */
  async forNewRecord(request: Request, exchange: HttpExchange): Promise<string | null> {
    const [way] = this.#rules;
    return way === undefined ? null : await this.#compute(way, request, exchange);
  }

  /** For a record that was made under another version. Null: this version is the current one, or is not known here. */
  async forVersion(version: string, request: Request, exchange: HttpExchange): Promise<string | null> {
    const way = this.#rules.slice(1).find((one) => one.version === version);
    return way === undefined ? null : await this.#compute(way, request, exchange);
  }

  async #compute({ version, of }: FingerprintRule<Request>, request: Request, exchange: HttpExchange): Promise<string> {
    if (of !== null) {
      return fingerprintCustomValue(
        version,
        await callWithTimeout('fingerprint', this.#callbackTimeoutMs, () => of(request)),
      );
    }
    await exchange.whenBodyKnown?.();
    return defaultFingerprint(exchange, { method: exchange.method, ...splitTarget(exchange.originalUrl) });
  }
}

function rulesFrom<Request>(option: CheckedHttpOptions<Request>['fingerprint']): FingerprintRule<Request>[] {
  if (option === false) return [];
  const list = option === undefined ? ['default' as const] : typeof option === 'function' ? [option] : option;
  return list.map((one) => {
    if (one === 'default') return { version: defaultFingerprintVersion, of: null };
    return typeof one === 'function' ? { version: customFingerprintVersion, of: one } : one;
  });
}
