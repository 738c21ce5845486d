// A program of docs/operations.md. What is between the marks is an exact copy: change both.

// #region snippet

import { type EventName, onEvent } from '@onceguard/core';
import { pino } from 'pino';

const log = pino({ serializers: { error: pino.stdSerializers.err } });
const logged = 'outcome_unknown decided misconfigured store_error lease_lost record_lost recorded_late'.split(' ');
for (const name of logged as EventName[]) onEvent(name, (event) => log.warn(event, name));

// #endregion

/** What the test of the document logs: work that may have taken effect. */
const { executeIdempotently, MemoryStore } = await import('@onceguard/core');
const fails = () => {
  throw new Error('no connection');
};
const options = { store: new MemoryStore(), scope: 'shop', key: 'order-17', operation: 'pay' } as const;
await executeIdempotently(fails, { ...options, onFailure: 'unknown' }).catch(() => {});
