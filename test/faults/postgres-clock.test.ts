// The clock of PostgreSQL steps. Leases may end early or late, and no stale owner records anything.
import { describe, expect } from 'vitest';
import { acquireRequest, completionOf, leaseOf } from '../postgres/calls.js';
import { findPostgres } from '../support/postgres-programs.js';
import { type PostgresLab, test } from './postgres-lab.js';
import { createShiftedClock } from './shifted-clock.js';

const hour = 3_600;
const noCompiler = 'Without a C compiler the clock of a server cannot be moved.';

async function openShifted(lab: PostgresLab, skip: (why: string) => never) {
  const clock = createShiftedClock() ?? skip(noCompiler);
  lab.onEnd(clock.remove);
  const programs = findPostgres();
  const environment = (directory: string) => ({ ...programs.environment(directory), ...clock.environment });
  const server = await lab.server({ programs: { ...programs, environment } });
  return { clock, store: (await lab.testbed(server.url)).store() };
}

const first = acquireRequest({ ownerToken: 'first' });
const second = acquireRequest({ ownerToken: 'second' });

describe('The clock of PostgreSQL', () => {
  test('steps an hour forward: the lease ends early, the next caller takes over, and the first owner records nothing', async ({
    lab,
    skip,
  }) => {
    const { clock, store } = await openShifted(lab, skip);
    const lease = leaseOf('order-1', first, await store.acquire('order-1', first));
    clock.shift(hour);
    const reply = await store.acquire('order-1', second);
    expect(reply).toMatchObject({ kind: 'acquired', attempt: 2, takeover: true });
    expect(await store.complete(lease, completionOf('first'))).toMatchObject({ kind: 'lost' });
    expect(await store.complete(leaseOf('order-1', second, reply), completionOf('second'))).toMatchObject({
      kind: 'ok',
    });
  });

  test('steps an hour back: the lease lasts longer, its owner completes, and fencing tokens still grow', async ({
    lab,
    skip,
  }) => {
    const { clock, store } = await openShifted(lab, skip);
    clock.shift(hour);
    const lease = leaseOf('order-1', first, await store.acquire('order-1', first));
    clock.shift(0);
    expect(await store.acquire('order-1', second)).toMatchObject({ kind: 'in_progress' });
    await store.release(lease, { as: 'retryable' });
    const next = leaseOf('order-1', second, await store.acquire('order-1', second));
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken);
    expect(await store.complete(next, completionOf('paid'))).toMatchObject({ kind: 'ok' });
    expect(await store.complete(lease, completionOf('stale'))).toMatchObject({ kind: 'lost' });
  });
});
