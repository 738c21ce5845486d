// Spans as the real SDK records them, with the instrumentations of http, Express and ioredis, in two processes.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlainSpan, startTracedServer, type TracedServer } from './traced-server.js';

let first: TracedServer;
let second: TracedServer;
const prefix = `test:${randomUUID()}:`;

beforeAll(async () => {
  [first, second] = await Promise.all([startTracedServer(prefix), startTracedServer(prefix)]);
}, 120_000);

afterAll(async () => {
  await Promise.all([first.stop(), second.stop()]);
});

const isExecution = ({ name }: PlainSpan) => name === 'idempotency POST /payments/:shop';

/** The spans of the last request, once its server span has ended. */
async function lastTrace(server: TracedServer): Promise<PlainSpan[]> {
  const spans = await expect
    .poll(async () => {
      const all = await server.spans();
      const last = all.filter(isExecution).at(-1);
      const ofTrace = all.filter(({ traceId }) => traceId === last?.traceId);
      return ofTrace.some(isServer) ? ofTrace : [];
    })
    .not.toEqual([])
    .then(() => server.spans());
  const last = spans.filter(isExecution).at(-1);
  return spans.filter(({ traceId }) => traceId === last?.traceId);
}

const isServer = ({ kind, parentSpanId }: PlainSpan) => kind === 1 && parentSpanId === undefined;

/** The names of the spans above this one, from the outermost. */
function ancestors(spans: readonly PlainSpan[], span: PlainSpan | undefined): string[] {
  const parent = spans.find(({ spanId }) => spanId === span?.parentSpanId);
  return parent === undefined ? [] : [...ancestors(spans, parent), parent.name];
}

function only(spans: readonly PlainSpan[], matches: (span: PlainSpan) => boolean): PlainSpan {
  const found = spans.filter(matches);
  expect(found).toHaveLength(1);
  return found[0] as PlainSpan;
}

describe('A request', () => {
  it('has one server span, within it the execution, and within that the spans of the handler and of the store', async () => {
    expect(await first.pay('order-1')).toBe('201');
    const spans = await lastTrace(first);
    const server = only(spans, isServer);
    const execution = only(spans, isExecution);
    expect(ancestors(spans, execution)[0]).toBe(server.name);
    const inside = (span: PlainSpan) => ancestors(spans, span).includes(execution.name);
    const handler = only(spans, ({ name }) => name === 'charge the card');
    expect(inside(handler)).toBe(true);
    const redis = spans.filter(({ attributes }) => 'db.system' in attributes || 'db.system.name' in attributes);
    const ledger = redis.filter((span) => ancestors(spans, span).includes(handler.name));
    expect(ledger).toHaveLength(1);
    // The store acquires the lease and records the outcome.
    const ofStore = redis.filter((span) => !ledger.includes(span) && inside(span));
    expect(ofStore.length).toBeGreaterThanOrEqual(2);
    expect(ofStore.length + ledger.length).toBe(redis.length);
  });

  it('has its outcome, attempt, store and record as attributes, and its key nowhere', async () => {
    const key = `key-${randomUUID()}`;
    await first.pay(key);
    const spans = await lastTrace(first);
    expect(only(spans, isExecution).attributes).toEqual({
      'idempotency.outcome': 'executed',
      'idempotency.attempt': 1,
      'idempotency.store': 'redis',
      'idempotency.record': expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(JSON.stringify(spans)).not.toContain(key);
  });

  it('that failed says that its key is free', async () => {
    expect(await first.pay('order-2', { declined: true })).toBe('500');
    const { attributes } = only(await lastTrace(first), isExecution);
    expect(attributes).toMatchObject({ 'idempotency.outcome': 'released', 'idempotency.attempt': 1 });
  });

  it('that is refused says so, and has no attempt', async () => {
    await first.pay('order-3');
    expect(await first.pay('order-3', { amount: 2 })).toBe('422');
    const { attributes, links } = only(await lastTrace(first), isExecution);
    expect(attributes).toMatchObject({ 'idempotency.outcome': 'key_reused' });
    expect(attributes).not.toHaveProperty('idempotency.attempt');
    expect(links).toEqual([]);
  });
});

describe('A replay in another process', () => {
  it('links to the execution in which the work really ran', async () => {
    await first.pay('order-4');
    const original = only(await lastTrace(first), isExecution);
    expect(await second.pay('order-4')).toBe('201 replayed');
    const replay = only(await lastTrace(second), isExecution);
    expect(replay.attributes).toMatchObject({ 'idempotency.outcome': 'replayed' });
    expect(replay.traceId).not.toBe(original.traceId);
    expect(replay.links).toEqual([{ traceId: original.traceId, spanId: original.spanId }]);
  });
});
