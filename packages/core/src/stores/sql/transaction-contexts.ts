// Which transaction belongs to a context.
import { ConfigurationError } from '../../errors.js';

/**
 * The transactions of one port, by the context of their attempt. They are a property of the context and not in a WeakMap, because adapters
 * copy contexts.
 */
export class TransactionContexts<Tx> {
  readonly #property = Symbol('onceguard.transaction');

  bind(context: object, client: Tx): void {
    Reflect.set(context, this.#property, client);
  }

  /** Throws a `ConfigurationError` (`transaction_missing`) where the context has no transaction of this port. */
  of(context: object): Tx {
    if (typeof context === 'object' && context !== null && Object.hasOwn(context, this.#property))
      return Reflect.get(context, this.#property) as Tx;
    const remedy =
      'Pass the context of the operation (of a request: idempotencyOf(request)), and give its options this same transaction';
    throw new ConfigurationError('transaction_missing', `This context has no transaction. ${remedy}.`);
  }
}
