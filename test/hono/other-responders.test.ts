// What others do while a handler of Hono works: time-out layers that respond, clients that leave, and callbacks that throw.
import { once } from 'node:events';
import { clientSignalOf } from '@onceguard/hono';
import type { Context } from 'hono';
import { stream, streamSSE } from 'hono/streaming';
import { timeout } from 'hono/timeout';
import { describe, expect, test } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { listen, newApp, post, protect, send } from './hono-testbed.js';

describe('A time-out layer', () => {
  const newPort = async (layers: 'outside' | 'inside') => {
    const gate = newGate();
    let runs = 0;
    const app = newApp();
    const handler = async (c: Context) => {
      runs += 1;
      await gate.opened;
      return c.text('paid');
    };
    const once = protect({ onFailure: 'unknown', onAbandoned: 'block' });
    if (layers === 'outside') app.post('/payments', timeout(50), once, handler);
    else app.post('/payments', once, timeout(50), handler);
    return { port: await listen(app), open: gate.open, runs: () => runs };
  };

  test.each(['outside', 'inside'] as const)(
    'that responds %s while the handler works leaves the outcome unknown under a payment policy',
    async (layers) => {
      const { port, open, runs } = await newPort(layers);
      expect((await send(port, '/payments', { key: 'k' })).status).toBe(504);
      open();
      const codes = new Set<unknown>();
      for (let retry = 0; retry < 50 && !codes.has('outcome_unknown'); retry += 1) {
        codes.add(JSON.parse((await send(port, '/payments', { key: 'k' })).body.toString()).code);
      }
      expect(codes).toContain('outcome_unknown');
      expect(runs()).toBe(1);
    },
  );

  test('that responds before the handler has begun keeps it from beginning', async () => {
    const gate = newGate();
    const scoped = newGate();
    let runs = 0;
    const app = newApp();
    const scope = async () => {
      scoped.open();
      await gate.opened;
      return 'ann';
    };
    app.post('/payments', timeout(50), protect({ scope }), (c) => {
      runs += 1;
      return c.text('paid');
    });
    const port = await listen(app);
    expect((await send(port, '/payments', { key: 'k' })).status).toBe(504);
    await scoped.opened;
    gate.open();
    const retry = await send(port, '/payments', { key: 'k' });
    expect([retry.status, retry.headers['idempotent-replayed'], runs]).toEqual([200, undefined, 1]);
  });
});

describe('A client that leaves', () => {
  test('does not cancel the handler, and its retry gets the response', async () => {
    const [entered, left] = [newGate(), newGate()];
    const seen: unknown[] = [];
    const app = newApp();
    app.post('/payments', protect({ onInProgress: { waitMs: 10_000 } }), async (c) => {
      const client = clientSignalOf(c);
      entered.open();
      if (!client.aborted) await once(client, 'abort');
      seen.push(c.req.raw.signal.aborted);
      left.open();
      return c.text('paid');
    });
    const port = await listen(app);
    const leaving = post(port, '/payments', { key: 'k' });
    await entered.opened;
    leaving.destroy();
    await left.opened;
    const retry = await send(port, '/payments', { key: 'k' });
    expect([retry.body.toString(), retry.headers['idempotent-replayed'], seen]).toEqual(['paid', 'true', [false]]);
  });

  test('in the middle of streamSSE() is the only one who misses the rest', async () => {
    const gate = newGate();
    const app = newApp();
    let runs = 0;
    app.post('/events', protect({ onInProgress: { waitMs: 10_000 } }), (c) =>
      streamSSE(c, async (out) => {
        runs += 1;
        await out.writeSSE({ data: '1' });
        await gate.opened;
        await out.writeSSE({ data: '2' });
      }),
    );
    const port = await listen(app);
    const leaving = post(port, '/events', { key: 'k' });
    const [response] = await once(leaving, 'response');
    await once(response, 'data');
    leaving.destroy();
    gate.open();
    const retry = await send(port, '/events', { key: 'k' });
    expect([retry.body.toString(), runs]).toEqual(['data: 1\n\ndata: 2\n\n', 1]);
  });
});

test('stream() ends normally where its callback throws, so the shortened response is recorded as its client saw it', async () => {
  const app = newApp();
  let runs = 0;
  app.post('/payments', protect(), (c) =>
    stream(
      c,
      async (out) => {
        runs += 1;
        await out.write('part');
        throw new Error('no connection');
      },
      async () => undefined,
    ),
  );
  const port = await listen(app);
  const [first, replay] = [await send(port, '/payments', { key: 'k' }), await send(port, '/payments', { key: 'k' })];
  expect([first.body.toString(), replay.body.toString(), runs]).toEqual(['part', 'part', 1]);
});
