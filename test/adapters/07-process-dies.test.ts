// Requirement 7: what happens to a key whose owner dies, or only pauses, while its handler runs.
import { randomUUID } from 'node:crypto';
import { httpPaymentPolicy } from '@onceguard/core/http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Framework, Options } from '../../packages/testing/src/adapter-suite/framework.js';
import { type ReceivedResponse, send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryFramework } from './framework-matrix.js';
import { type ServerProcess, startServerProcess } from './gated-server-process.js';
import { frameworks } from './loaded-frameworks.js';

const leaseMs = 2_500;
/** Processes that load several frameworks start slowly on a busy machine. */
const startMs = 180_000;

/** Retries wait until the lease of the first owner has expired. */
const waiting: Options = { leaseMs, onInProgress: { waitMs: 30_000 } };
/** Each server has an application of each framework for each of these. */
const kinds = {
  rerun: waiting,
  block: { ...waiting, onAbandoned: 'block' },
  payments: { ...waiting, ...httpPaymentPolicy },
  impatient: { leaseMs },
} as const satisfies Record<string, Options>;
type Kind = keyof typeof kinds;

let killed: ServerProcess;
let paused: ServerProcess;
/** The server that gets the retries. */
let retryServer: ServerProcess;

/** One kill for all tests: it interrupts a handler of every framework and kind. */
beforeAll(async () => {
  const apps = Object.values<Options>(kinds).flatMap((options) =>
    frameworks.map(({ name: framework }) => ({ framework, options })),
  );
  const prefix = `test:${randomUUID()}:`;
  const start = async () => await startServerProcess({ prefix, apps });
  [killed, paused, retryServer] = await Promise.all([start(), start(), start()]);
  const died = (['rerun', 'block', 'payments'] as const).flatMap((kind) =>
    frameworks.map(async (framework) => await begin(killed, framework, kind, keyOfDead(framework, kind))),
  );
  await Promise.all(died);
  await killed.kill();
}, startMs);

afterAll(async () => {
  await Promise.all([paused.kill(), retryServer.kill()]);
});

onEveryFramework(
  'The process dies while a handler runs,',
  ({ framework }) => {
    it('and its key is free after the lease, not after 24 hours: the retry runs as attempt 2', async () => {
      const key = keyOfDead(framework, 'rerun');
      const retried = send(portOf(retryServer, framework, 'rerun'), { key });
      expect(await retryServer.began(key)).toEqual({ key, attempt: 2, takeover: true });
      retryServer.finish(key);
      expect(await retried).toMatchObject({ status: 201, text: textBy(retryServer, 2) });
    });

    it.each(['block', 'payments'] as const)('and guarded by %s, the retry gets outcome_unknown', async (kind) => {
      const key = keyOfDead(framework, kind);
      // A caller with another policy does not run it either.
      for (const retrying of [kind, 'rerun'] as const) {
        const retry = await send(portOf(retryServer, framework, retrying), { key });
        expect(retry.json()).toMatchObject({ status: 409, code: 'outcome_unknown', retryable: false });
      }
      expect(retryServer.runs(key)).toBe(0);
    });
  },
  // The test client speaks only HTTP/1 to other processes.
  { store: 'Redis', transport: 'HTTP/1' },
);

onEveryFramework(
  'The process only paused, for longer than its lease,',
  ({ framework }) => {
    it('and guarded, it still completes, while the retry gets outcome_unknown', async () => {
      const key = randomUUID();
      const { firstResponse } = await begin(paused, framework, 'payments', key);
      await whilePaused(async () => {
        const retry = await send(portOf(retryServer, framework, 'payments'), { key });
        expect(retry.json()).toMatchObject({ status: 409, code: 'outcome_unknown' });
      });
      paused.finish(key);

      expect(await firstResponse).toMatchObject({ status: 201, text: textBy(paused, 1) });
      expectReplay(await send(portOf(retryServer, framework, 'payments'), { key }), paused, 1);
      expect(retryServer.runs(key)).toBe(0);
    });

    it('and overtaken, its caller gets the new owner’s response', async () => {
      const key = randomUUID();
      const { firstResponse } = await begin(paused, framework, 'rerun', key);
      const duplicate = (await send(portOf(retryServer, framework, 'impatient'), { key })).json();
      expect(duplicate).toMatchObject({ status: 409, code: 'in_progress' });
      expect(duplicate.retryAfterMs).toBeLessThanOrEqual(leaseMs);
      await whilePaused(async () => {
        const retried = send(portOf(retryServer, framework, 'rerun'), { key });
        expect(await retryServer.began(key)).toMatchObject({ attempt: 2 });
        retryServer.finish(key);
        expect(await retried).toMatchObject({ status: 201, text: textBy(retryServer, 2) });
      });
      paused.finish(key);
      expectReplay(await firstResponse, retryServer, 2);
    });
  },
  // The test client speaks only HTTP/1 to other processes.
  { store: 'Redis', transport: 'HTTP/1' },
);

function keyOfDead({ name }: Framework, kind: Kind): string {
  return `${name}-${kind}`.replaceAll(' ', '');
}

function portOf({ ports }: ServerProcess, framework: Framework, kind: Kind): number {
  const at = Object.keys(kinds).indexOf(kind) * frameworks.length + frameworks.indexOf(framework);
  return ports[at] ?? 0;
}

function textBy({ pid }: ServerProcess, attempt: number): string {
  return JSON.stringify({ paidBy: pid, attempt });
}

function expectReplay(response: ReceivedResponse, by: ServerProcess, attempt: number): void {
  expect(response).toMatchObject({
    status: 201,
    text: textBy(by, attempt),
    headers: { 'idempotent-replayed': 'true' },
  });
}

/** Resolves when the handler has begun. */
async function begin(server: ServerProcess, framework: Framework, kind: Kind, key: string) {
  const firstResponse = send(portOf(server, framework, kind), { key });
  // The response of a killed server fails, and nobody awaits it.
  firstResponse.catch(() => {});
  expect(await server.began(key)).toEqual({ key, attempt: 1, takeover: false });
  return { firstResponse };
}

async function whilePaused(act: () => Promise<void>): Promise<void> {
  paused.pause();
  try {
    await act();
  } finally {
    paused.resume();
  }
}
