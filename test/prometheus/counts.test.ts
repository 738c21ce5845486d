// The counts of prom-client are those of the requests that were sent, of every outcome.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { drainStore, executeIdempotently, MemoryStore, resolveDoubt, watchDoubts } from '@onceguard/core';
import { idempotency } from '@onceguard/express';
import { registerIdempotencyMetrics } from '@onceguard/prometheus';
import { FaultStore, failsBefore, hangs } from '@onceguard/testing';
import express from 'express';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { amountOf } from '../support/amounts.js';

let register: Registry;
let stop: () => void;
const cleanUps: (() => unknown)[] = [];

beforeEach(() => {
  register = new Registry();
  stop = registerIdempotencyMetrics({ register });
});

afterEach(async () => {
  stop();
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** The values of a metric, by the labels that are named. */
async function valuesOf(name: string, ...labels: readonly string[]): Promise<Record<string, number>> {
  const metric = await register.getSingleMetric(name)?.get();
  const rows = (metric?.values ?? []) as { value: number; labels: Record<string, unknown>; metricName?: string }[];
  const counts: Record<string, number> = {};
  for (const { value, labels: its, metricName } of rows) {
    if (metricName !== undefined && !metricName.endsWith('_count') && metricName !== name) continue;
    const key = labels.map((label) => its[label]).join(' ');
    counts[key] = (counts[key] ?? 0) + value;
  }
  return counts;
}

const fails = () => {
  throw new Error('declined');
};

/** A server whose handler does what the request says. Its scope is missing where the request says so. */
async function startServer(store: FaultStore) {
  const app = express();
  app.use(express.json());
  const scope = (req: express.Request) => (req.headers['x-user'] === 'nobody' ? '' : 'ada');
  const guard = idempotency({ store, scope, required: true, onFailure: 'unknown', classify: classifyRetry });
  app.post('/payments/:id', guard, async (req, res) => {
    if (req.headers['x-waits'] !== undefined) await gate.wait();
    res.status(Number(Object(req.body).status)).json({ paid: true });
  });
  app.use(((_error, _req, res, _next) => void res.status(500).end()) satisfies express.ErrorRequestHandler);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/payments/order-17`;
}

const classifyRetry = ({ status }: { status: number }) => (status === 503 ? ('retry' as const) : undefined);

const gate = {
  open: () => {},
  entered: () => {},
  async wait() {
    gate.entered();
    await new Promise<void>((resolve) => {
      gate.open = resolve;
    });
  },
};

/** Nine requests, and one of each outcome. */
const rounds = amountOf({ usual: 112, long: 1_112 });

describe(`Over ${rounds * 9} requests`, () => {
  it('each outcome counts as often as its requests were sent, under the template of the route', async () => {
    // A deadline that only the faults of this test reach, however busy the machine is.
    const store = new FaultStore(new MemoryStore(), 2_000);
    const url = await startServer(store);
    const sent: Record<string, number> = {};
    const send = async (outcome: string, headers: Record<string, string>, body: object = { status: 201 }) => {
      sent[outcome] = (sent[outcome] ?? 0) + 1;
      const all = { 'Content-Type': 'application/json', ...headers };
      const response = await fetch(url, { method: 'POST', headers: all, body: JSON.stringify(body) });
      await response.arrayBuffer();
    };
    const round = async (n: number) => {
      const key = { 'Idempotency-Key': randomUUID() };
      await send('executed', key);
      await send('replayed', key);
      await send('key_reused', key, { status: 201, other: n });
      const failing = { 'Idempotency-Key': randomUUID() };
      await send('outcome_unknown', failing, { status: 500 });
      await send('outcome_unknown', failing, { status: 500 });
      await send('released', { 'Idempotency-Key': randomUUID() }, { status: 503 });
      await send('key_missing', {});
      await send('key_invalid', { 'Idempotency-Key': 'x'.repeat(300) });
      await send('scope_missing', { ...key, 'X-User': 'nobody' });
    };
    for (let n = 0; n < rounds; n += 8) await Promise.all(Array.from({ length: 8 }, (_, lane) => round(n + lane)));
    // One at work while another comes.
    for (let n = 0; n < 20; n += 1) {
      const slow = { 'Idempotency-Key': randomUUID(), 'X-Waits': 'yes' };
      const entered = new Promise<void>((resolve) => {
        gate.entered = resolve;
      });
      const first = send('executed', slow);
      await entered;
      expect(await valuesOf('idempotency_in_flight', 'operation')).toEqual({ 'POST /payments/:id': 1 });
      await send('in_progress', slow);
      gate.open();
      await first;
    }
    store.injectFault('acquire', failsBefore());
    for (let n = 0; n < 5; n += 1) await send('store_unavailable', { 'Idempotency-Key': randomUUID() });
    const counted = await valuesOf('idempotency_requests_total', 'outcome');
    expect(Object.values(sent).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(rounds * 9);
    expect(counted).toEqual(sent);
    expect(Object.keys(await valuesOf('idempotency_requests_total', 'operation'))).toEqual(['POST /payments/:id']);
    expect(await valuesOf('idempotency_in_flight', 'operation')).toEqual({ 'POST /payments/:id': 0 });
    const attempts = {
      executed: sent.executed,
      released: sent.released,
      outcome_unknown: (sent.outcome_unknown ?? 0) / 2,
    };
    expect(await valuesOf('idempotency_execution_duration_seconds', 'outcome')).toEqual(attempts);
    expect((await valuesOf('idempotency_store_duration_seconds', 'verb', 'outcome'))['complete ok']).toBe(
      sent.executed,
    );
  }, 180_000);
});

describe('Metrics', () => {
  const call = (store: FaultStore, operation: () => unknown, options: object = {}) =>
    executeIdempotently(operation, { store, scope: 'shop', key: 'order-17', operation: 'pay', ...options }).catch(
      () => null,
    );

  it('show doubts as a watch finds them, and none where nothing watches', async () => {
    const store = new FaultStore(new MemoryStore(), 200);
    await call(store, fails, { onFailure: 'unknown' });
    expect((await valuesOf('idempotency_doubts', 'store')).memory).toBeUndefined();
    const watch = watchDoubts(store, { intervalMs: 100 });
    cleanUps.push(() => watch.stop());
    await expect.poll(() => valuesOf('idempotency_doubts', 'store')).toMatchObject({ memory: 1 });
    const [recordName = ''] = store.calls.map(({ key }) => key);
    await resolveDoubt(store, recordName, { as: 'not_done', by: 'ada', reason: 'no charge' });
    await expect.poll(() => valuesOf('idempotency_doubts', 'store')).toMatchObject({ memory: 0 });
    const events = await valuesOf('idempotency_events_total', 'event', 'reason');
    expect(events).toEqual({ 'outcome_unknown failed': 1, 'decided not_done': 1 });
  });

  it('show results that wait for the store, until they are recorded', async () => {
    const store = new FaultStore(new MemoryStore(), 200);
    store.injectFault('complete', hangs);
    await call(store, () => 'paid');
    expect(await valuesOf('idempotency_pending_results', 'store')).toMatchObject({ memory: 1 });
    store.clearFaults();
    await drainStore(store);
    expect(await valuesOf('idempotency_pending_results', 'store')).toMatchObject({ memory: 0 });
  });

  it('show how long callers waited, and never a key', async () => {
    const store = new FaultStore(new MemoryStore(), 5_000);
    let waiting: Promise<unknown> = Promise.resolve();
    await call(store, async () => {
      waiting = call(store, () => 'never', { onInProgress: { waitMs: 5_000 } });
      await store.waitForCalls('acquire', 3);
    });
    await waiting;
    expect(await valuesOf('idempotency_wait_duration_seconds', 'outcome')).toEqual({ completed: 1 });
    expect(await register.metrics()).not.toContain('order-17');
  });

  it('are gone from the registry after they were stopped, and can be registered again', async () => {
    stop();
    expect(await register.metrics()).not.toContain('idempotency');
    stop = registerIdempotencyMetrics({ register });
    await call(new FaultStore(new MemoryStore()), () => 'paid');
    expect(await valuesOf('idempotency_requests_total', 'outcome')).toEqual({ executed: 1 });
  });

  it.each([
    [{ registry: 1 }, 'registry'],
    [{ register: {} }, 'register'],
    [{ register: null }, 'register'],
  ])('refuse the options %j with a sentence that names the mistake', (options, name) => {
    expect(() => registerIdempotencyMetrics(options as never)).toThrow(name);
  });
});
