// The transaction in which the code that runs now was called, so that an operation within another one is noticed.
import { AsyncLocalStorage } from 'node:async_hooks';
import { processWide } from '../process-wide.js';

export interface OpenTransaction {
  /** The operation has ended: what it has started and left behind is no part of it. */
  readonly isOver: boolean;
}

export function openTransactions(): AsyncLocalStorage<OpenTransaction> {
  return processWide('open-transactions/1', () => new AsyncLocalStorage<OpenTransaction>());
}
