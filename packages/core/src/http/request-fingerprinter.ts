// Fingerprints requests: under the current version for new records, and under the older versions of existing records.
import { defaultFingerprint } from './default-fingerprint.js';
import { customFingerprintVersion, defaultFingerprintVersion, fingerprintCustomValue } from './fingerprint.js';
import type { HttpExchange } from './http-exchange.js';
import type { CheckedHttpOptions, FingerprintFunction } from './http-options.js';
import { callWithTimeout, whenSettled } from './option-callbacks.js';
import { splitTarget } from './request-target.js';

interface FingerprintRule<Request> {
  readonly version: string;
  /** Null: the default fingerprint, by method, target and body. */
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
  forNewRecord(request: Request, exchange: HttpExchange): string | null | Promise<string> {
    const [current] = this.#rules;
    return current === undefined ? null : this.#compute(current, request, exchange);
  }

  /** For a record that was made under another version. Null: this is the current version, or it is not known here. */
  forVersion(version: string, request: Request, exchange: HttpExchange): string | null | Promise<string> {
    const rule = this.#rules.slice(1).find((older) => older.version === version);
    return rule === undefined ? null : this.#compute(rule, request, exchange);
  }

  #compute(
    { version, of }: FingerprintRule<Request>,
    request: Request,
    exchange: HttpExchange,
  ): string | Promise<string> {
    if (of !== null) {
      const value = callWithTimeout('fingerprint', this.#callbackTimeoutMs, () => of(request));
      return whenSettled(value, (given) => fingerprintCustomValue(version, given));
    }
    const compute = () =>
      defaultFingerprint(exchange, { method: exchange.method, ...splitTarget(exchange.originalUrl) });
    return exchange.whenBodyKnown?.()?.then(compute) ?? compute();
  }
}

function rulesFrom<Request>(option: CheckedHttpOptions<Request>['fingerprint']): FingerprintRule<Request>[] {
  if (option === false) return [];
  const list = option === undefined ? ['default' as const] : typeof option === 'function' ? [option] : option;
  return list.map((rule) => {
    if (rule === 'default') return { version: defaultFingerprintVersion, of: null };
    return typeof rule === 'function' ? { version: customFingerprintVersion, of: rule } : rule;
  });
}
