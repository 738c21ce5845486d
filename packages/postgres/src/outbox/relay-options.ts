// What a relay is given, and what its handler gets.
import { milliseconds, parseOptions, wholeNumber } from '@onceguard/core/sql';
import * as z from 'zod';
import { isSource, sourceRule, type TransactionSource } from '../transactions/transaction-source.js';

/** A message of the outbox, as a relay publishes it. */
export interface RelayedMessage {
  /** A UUID by which a consumer recognises a repeat. */
  readonly id: string;
  readonly topic: string;
  /** A payload that was given as text is UTF-8: `message.payload.toString()`. */
  readonly payload: Buffer;
  readonly orderingKey: string;
  /** The name of the record whose transaction sent it. */
  readonly recordName: string;
  /** Milliseconds since 1970, on the clock of the database. */
  readonly enqueuedAt: number;
  /** How often the handler has failed with it before. */
  readonly failures: number;
}

/**
 * Publishes one message. When it has resolved, the message is deleted. When it rejects, the message comes again, and the later ones of
 * its ordering key wait. `signal` aborts after `handlerTimeoutMs`.
 */
export type RelayHandler = (message: RelayedMessage, options: { readonly signal: AbortSignal }) => unknown;

export interface RelayOptions<Tx = unknown> {
  /** As for `store.transactions()`: how the relay keeps its locks. One connection while a batch is under way. */
  readonly transactions: TransactionSource<Tx>;
  /** Ends the relay, after the messages that it publishes now. */
  readonly signal: AbortSignal;
  /** Called for each failure of the handler, and with null as the message for each of the database. Everything is tried again. */
  readonly onError: (error: unknown, message: RelayedMessage | null) => void;
  /** How many messages one transaction publishes at most. 1 to 10 000. Default 100. */
  readonly batchSize?: number;
  /** How many ordering keys are published at the same time. 1 to 1 000. Default 10. */
  readonly concurrency?: number;
  /** How long an idle relay waits before it looks again, in milliseconds. 1 to 3 600 000. Default 500. */
  readonly pollMs?: number;
  /** How long the handler may take for one message, in milliseconds. 1 to 45 000. Default 30 000. */
  readonly handlerTimeoutMs?: number;
}

const relaySchema = z.strictObject({
  transactions: z.custom<TransactionSource<unknown>>(isSource, { error: sourceRule }),
  signal: z.custom<AbortSignal>((value) => value instanceof AbortSignal, { error: 'it must be an AbortSignal' }),
  onError: z.custom<RelayOptions['onError']>((value) => typeof value === 'function', {
    error: 'it must be a function of the error and the message: a message that always fails blocks its ordering key',
  }),
  batchSize: wholeNumber('messages', 1, 10_000, 'For a hundred write 100.').default(100),
  concurrency: wholeNumber('ordering keys', 1, 1_000, 'For ten write 10.').default(10),
  pollMs: milliseconds(1, 3_600_000).default(500),
  handlerTimeoutMs: milliseconds(1, 45_000).default(30_000),
});

export type CheckedRelayOptions = Required<RelayOptions>;

export function parseRelayOptions<Tx>(options: RelayOptions<Tx>): CheckedRelayOptions {
  return parseOptions('relay()', relaySchema, options);
}
