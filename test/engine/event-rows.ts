// What makes the engine publish an event: the shape of the rows of the tests, and what they share.
import { type EventName, type Events, executeIdempotently, type OperationContext } from '@onceguard/core';
import type { FaultStore } from '@onceguard/testing';
import { expect } from 'vitest';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { summarize } from './execution-summary.js';
import type { MemoryTestbed } from './store-testbed.js';

export type Operation = (context: OperationContext) => unknown;

export const pay = (store: FaultStore, operation: Operation = () => 'paid', options: object = {}) =>
  summarize(executeIdempotently(operation, { store, scope: 'tests', key: 'payment-1', operation: 'pay', ...options }));

export const untilSignalAborts: Operation = async ({ signal }) => void (await untilAborted(signal));

export interface EventRow<Name extends EventName = EventName> {
  readonly event: Name;
  readonly when: string;
  /** Makes it happen; what happened before is not listened to where `before` does it. */
  before?(world: MemoryTestbed): Promise<unknown>;
  act(world: MemoryTestbed): Promise<unknown>;
  readonly content: Omit<Events[Name], 'store' | 'recordName' | 'operation'>;
}

export const ended = { attempt: 1, durationMs: expect.any(Number) };
export const fails: Operation = () => {
  throw new Error('declined');
};
