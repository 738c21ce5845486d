// Requirement 1, across processes: copies of one slow request that arrive at four servers at once run once.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Options } from '../../packages/testing/src/adapter-suite/framework.js';
import { type ReceivedResponse, send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryFramework } from './framework-matrix.js';
import { isRepresentative } from './frameworks.js';
import { type ServerProcess, startServerProcess } from './gated-server-process.js';
import { frameworks as loaded } from './loaded-frameworks.js';

const frameworks = loaded.filter(isRepresentative);
const copies = 50;
const waiting: Options = { onInProgress: { waitMs: 30_000 } };
let servers: readonly ServerProcess[] = [];

/** Processes that load several frameworks start slowly on a busy machine. */
const startMs = 180_000;

/** Every server has two applications of each framework: one rejects duplicates, the other lets them wait. */
beforeAll(async () => {
  const prefix = `test:${randomUUID()}:`;
  const apps = [{}, waiting].flatMap((options) => frameworks.map(({ name: framework }) => ({ framework, options })));
  servers = await Promise.all(Array.from({ length: 4 }, () => startServerProcess({ prefix, apps })));
}, startMs);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.kill()));
});

onEveryFramework(
  '50 concurrent duplicates of a slow request across 4 server processes',
  ({ framework }) => {
    const at = frameworks.indexOf(framework);

    it('run once, and the others get 409 with Retry-After', async () => {
      const key = randomUUID();
      let refused = 0;
      const responses = await sendCopies(key, at, ({ status }) => {
        if (status === 409) refused += 1;
        if (refused === copies - 1) finish(key);
      });
      expect(runsOf(key)).toBe(1);
      expect(responses.filter(({ status }) => status === 201)).toHaveLength(1);
      const refusals = responses.filter(({ status }) => status === 409);
      expect(refusals).toHaveLength(copies - 1);
      for (const refusal of refusals) expect(Number(refusal.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    });

    it('run once, and with onInProgress { waitMs } the others get the replayed response', async () => {
      const key = randomUUID();
      const sent = sendCopies(key, at + frameworks.length, () => {});
      await Promise.race(servers.map((server) => server.began(key)));
      finish(key);
      const responses = await sent;
      expect(runsOf(key)).toBe(1);
      const [first] = responses;
      for (const { status, text } of responses) expect([status, text]).toEqual([201, first?.text]);
      expect(responses.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(copies - 1);
    });
  },
  // The test client speaks only HTTP/1 to other processes.
  { store: 'Redis', transport: 'HTTP/1', where: isRepresentative },
);

/** Distributes the copies over the servers in turn. */
async function sendCopies(
  key: string,
  app: number,
  onResponse: (response: ReceivedResponse) => void,
): Promise<ReceivedResponse[]> {
  const sendOne = async (_: unknown, index: number) => {
    const response = await send(servers[index % servers.length]?.ports[app] ?? 0, { key });
    onResponse(response);
    return response;
  };
  return await Promise.all(Array.from({ length: copies }, sendOne));
}

function finish(key: string): void {
  for (const server of servers) server.finish(key);
}

function runsOf(key: string): number {
  return servers.reduce((sum, server) => sum + server.runs(key), 0);
}
