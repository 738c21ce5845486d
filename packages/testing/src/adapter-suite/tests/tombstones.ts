// Requirement 14: after `ttlMs` the response is gone, but the record that the work is done stays.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import { type ReceivedResponse, send } from '../support/http-client.js';

const day = 86_400_000;

export function tombstonesTests(suite: AdapterTests): void {
  suite.group(
    'After ttlMs the response is gone',
    (testbed) => {
      it('until tombstoneMs a retry gets 410 with the original status and does not run; after that the key is new', async () => {
        const { port, later, runs } = await startWithTime(testbed);
        const first = await send(port, { key: 'k' });
        expect([first.status, first.text]).toEqual([201, '{"run":1}']);

        const expired = await later('until the response has expired', port, ({ status }) => status === 410);
        expect(expired.headers['content-type']).toBe('application/problem+json');
        expect(expired.json()).toMatchObject({ code: 'expired', completed: true, originalStatus: 201 });
        expect(Date.parse(String(expired.json().completedAt))).toBeGreaterThan(0);
        expect(runs()).toBe(1);

        const afterwards = await later('until the tombstone is gone', port, ({ status }) => status !== 410);
        expect([afterwards.status, afterwards.text, afterwards.headers['idempotent-replayed']]).toEqual([
          201,
          '{"run":2}',
          undefined,
        ]);
      });
    },
    { on: 'each' },
  );
}

interface AppWithClock {
  readonly port: number;
  /** Repeats the request as time passes, until a response matches. */
  later(what: string, port: number, isIt: (response: ReceivedResponse) => boolean): Promise<ReceivedResponse>;
  runs(): number;
}

/** Where it can, the test moves the clock; else the record has a short lifetime by the store's own clock. */
async function startWithTime(testbed: Testbed): Promise<AppWithClock> {
  const opened = await testbed.kind.openWithClock?.();
  const { store } = opened ?? (await testbed.openStore());
  const options =
    opened === undefined ? { leaseMs: 1_000, ttlMs: 1_000, tombstoneMs: 6_000 } : { ttlMs: day, tombstoneMs: 7 * day };
  let runs = 0;
  const handler = () => {
    runs += 1;
    return { status: 201, body: { run: runs } };
  };
  const { port } = await testbed.start({ store, handler, options });
  const later: AppWithClock['later'] = async (what, at, isIt) => {
    for (let tries = 0; tries < 1_000; tries += 1) {
      const response = await send(at, { key: 'k' });
      if (isIt(response)) return response;
      expect([201, 410]).toContain(response.status);
      if (opened === undefined) await pause(20);
      else opened.advance(day / 2);
    }
    throw new Error(`waited in vain ${what}`);
  };
  return { port, later, runs: () => runs };
}
