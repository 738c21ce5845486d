// Requirement 14: after `ttlMs` the response is gone, but the record that the work is done stays.
import { MemoryStore } from '@onceguard/core';
import { manualClock } from '@onceguard/testing';
import { expect, it } from 'vitest';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import { type ReceivedResponse, send } from './http-client.js';

const day = 86_400_000;

onEveryFramework('After ttlMs the response is gone', (testbed) => {
  it('until tombstoneMs a retry gets 410 with the original status and does not run; after that the key is new', async () => {
    const { port, later, runs } = await startWithTime(testbed);
    const first = await send(port, { key: 'k' });
    expect([first.status, first.text]).toEqual([201, '{"run":1}']);

    const expired = await later('until the response has expired', port, ({ status }) => status === 410);
    expect(expired.headers['content-type']).toBe('application/problem+json');
    expect(expired.json()).toMatchObject({ code: 'expired', completed: true, originalStatus: 201 });
    expect(Date.parse(String(expired.json().completedAt))).toBeGreaterThan(0);
    expect(runs()).toBe(1);

    const anew = await later('until the tombstone is gone', port, ({ status }) => status !== 410);
    expect([anew.status, anew.text, anew.headers['idempotent-replayed']]).toEqual([201, '{"run":2}', undefined]);
  });
});

interface AppWithClock {
  readonly port: number;
  /** Repeats the request as time passes, until a response matches. */
  later(what: string, port: number, isIt: (response: ReceivedResponse) => boolean): Promise<ReceivedResponse>;
  runs(): number;
}

/** In memory the test moves the clock; on Redis the record has a short lifetime by Redis' own clock. */
async function startWithTime(testbed: Testbed): Promise<AppWithClock> {
  const clock = manualClock();
  const inMemory = testbed.kind.name === 'memory';
  const store = inMemory ? new MemoryStore({ clock: clock.now }) : (await testbed.openStore()).store;
  const options = inMemory ? { ttlMs: day, tombstoneMs: 7 * day } : { leaseMs: 200, ttlMs: 400, tombstoneMs: 2_000 };
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
      clock.advance(day / 2);
      if (!inMemory) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`waited in vain ${what}`);
  };
  return { port, later, runs: () => runs };
}
