// What is set up wrongly for SQS batches has an error that names the remedy.
import { MemoryStore } from '@onceguard/core';
import { idempotentSqs, type SqsOptions } from '@onceguard/lambda';
import { describe, expect, test } from 'vitest';
import { contextOf } from './http-events.js';

describe('a mistake has an error that names the remedy', () => {
  const options: SqsOptions = { store: new MemoryStore(), scope: 'orders', key: ({ body }) => body };

  test.each<[string, object, RegExp]>([
    ['no store', { ...options, store: undefined }, /store is missing/],
    ['no scope', { ...options, scope: undefined }, /scope is missing/],
    ['a key that is no function', { ...options, key: 'messageId' }, /key is "messageId"; it must be a function/],
    ['an unknown option', { ...options, leaseSeconds: 3 }, /leaseSeconds is not an option/],
    ['a concurrency of none', { ...options, concurrency: 0 }, /concurrency is 0; it must be a whole number/],
    ['a fifo that is no boolean', { ...options, fifo: 'yes' }, /fifo is yes; it must be true or false/],
    ['a logger that is no function', { ...options, onRecordFailed: 'log' }, /onRecordFailed/],
  ])('%s', (_what, wrong, remedy) => {
    expect(() => idempotentSqs(() => {}, wrong as SqsOptions)).toThrow(remedy);
  });

  test.each([{}, { Records: [{ Sns: {} }] }, null])('an event that is not of SQS: %j', async (event) => {
    const handler = idempotentSqs(() => {}, options);
    await expect(handler(event as never, contextOf())).rejects.toMatchObject({
      code: 'argument_invalid',
      message: expect.stringContaining('withIdempotency()'),
    });
  });
});
