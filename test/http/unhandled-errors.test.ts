// An error of the application's functions that no error handler can get: it is not lost, and the client learns nothing of it.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryStore, onEvent } from '@onceguard/core';
import { type IdempotencyOptions, idempotency } from '@onceguard/express';
import express from 'express';
import { afterEach, expect, it } from 'vitest';

let server: Server | undefined;
const warnings: (Error & { code?: string; detail?: string })[] = [];
const collect = (warning: Error) => void warnings.push(warning);

afterEach(() => {
  server?.close();
  process.off('warning', collect);
  warnings.length = 0;
});

/** Sends a request to a route with these options. Resolves with what the client and the error handler got. */
async function request(options: Partial<IdempotencyOptions>) {
  process.on('warning', collect);
  const handled: unknown[] = [];
  const app = express();
  app.use(express.json());
  app.post('/', idempotency({ store: new MemoryStore(), scope: 'public', ...options }), (_req, res) => {
    res.status(201).json({ paid: true });
  });
  app.use(((error, _req, res, _next) => {
    handled.push(error);
    res.status(500).send('handled');
  }) satisfies express.ErrorRequestHandler);
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const response = await fetch(url, { method: 'POST', headers: { 'Idempotency-Key': 'order-17' } });
  const text = await response.text();
  // Warnings are emitted in the next tick.
  await new Promise((resolve) => setImmediate(resolve));
  return { status: response.status, text, handled };
}

const ledgerIsAway = (name: string) => (): never => {
  throw new Error(`${name}: no connection to the ledger`);
};
const unhandled = () => warnings.filter(({ code }) => code === 'error_unhandled');

it('is a warning with its remedy, its cause and both stacks where nothing listens, and the client gets a plain 500', async () => {
  const { status, text, handled } = await request({ isFinal: ledgerIsAway('the first') });
  expect([status, text, handled]).toEqual([500, 'Internal Server Error', []]);
  const [warning] = unhandled();
  expect(warning?.message).toContain('The option isFinal threw; it must return true or false');
  expect(warning?.detail).toContain('the first: no connection to the ledger');
  expect(warning?.detail).toContain('unhandled-errors.test.ts');
});

it('is the event misconfigured where something listens, and no warning', async () => {
  const events: string[] = [];
  const stop = onEvent('misconfigured', ({ error, operation }) => events.push(`${operation}: ${error.message}`));
  const { status, text } = await request({ classify: ledgerIsAway('the second') });
  stop();
  expect([status, text]).toEqual([500, 'Internal Server Error']);
  expect(events).toEqual([expect.stringContaining('POST /: The option classify threw')]);
  expect(unhandled()).toEqual([]);
});

it.each<[string, Partial<IdempotencyOptions>, string]>([
  ['scope_missing', { scope: () => '' }, 'mount the middleware after authentication'],
  ['option_invalid', { key: () => 17 as never }, 'It must return the key as a string'],
  [
    'option_invalid',
    { renderProblem: ledgerIsAway('the third'), required: true, key: () => undefined },
    'renderProblem threw',
  ],
])(
  'goes to the error handler with its remedy and stack before the handler has run: %s',
  async (code, options, remedy) => {
    const { text, handled } = await request(options);
    expect(text).toBe('handled');
    expect(handled).toMatchObject([{ code, message: expect.stringContaining(remedy) }]);
    expect((handled[0] as Error).stack).toContain('at ');
    expect(unhandled()).toEqual([]);
  },
);
