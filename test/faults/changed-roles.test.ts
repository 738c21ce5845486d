// Cases 18 and 20: a master that has lost its replicas, and one that is no longer master.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type RedisServer, startReplicaPair } from '@onceguard/testing';
import { expect, vi } from 'vitest';
import { expectPaysAgain, untilPaid } from './audited-payments.js';
import { type Lab, test } from './lab.js';

test('18. A master without the replicas that it requires rejects writes: nothing runs until one is back', async ({
  lab,
}) => {
  const { master, replica, stop } = await startReplicaPair({ args: ['--min-replicas-to-write', '1'] });
  lab.onEnd(stop);
  const errors = lab.collectEvents('store_error');
  const payments = lab.payments(await lab.connect(master.url, { callTimeoutMs: 1_000 }));
  await expectPaysAgain(payments, 'before');
  await replica.kill();
  await vi.waitUntil(
    async () => String(await master.command('INFO', 'replication')).includes('connected_slaves:0'),
    60_000,
  );
  expect(await payments.pay('order')).toBe('store_unavailable');
  expect(errors[0]).toMatchObject({ class: 'unavailable', error: { message: expect.stringContaining('NOREPLICAS') } });
  await replica.restart();
  await untilPaid(payments, 'order');
});

test('20. The store reconnects after the first READONLY reply of a demoted master', async ({ lab }) => {
  const { master, replica, stop } = await startReplicaPair();
  lab.onEnd(stop);
  const address = await startMovableAddress(lab, master);
  const payments = lab.payments(await lab.connect(address.url));
  expect(await payments.pay('before')).toBe('paid 1, recorded');
  await vi.waitUntil(async () => (await replica.command('DBSIZE')) === 1, 60_000);
  const errors = lab.collectEvents('store_error');
  const lives = lab.collectEvents('data_may_be_lost');
  await replica.command('REPLICAOF', 'NO', 'ONE');
  await master.command('REPLICAOF', '127.0.0.1', replica.port);
  address.leadTo(replica);
  expect(await payments.pay('order')).toBe('paid 1, recorded');
  expect(errors.filter(({ error }) => error.message.includes('READONLY'))).toHaveLength(1);
  expect(await replica.command('DBSIZE')).toBe(2);
  await vi.waitUntil(() => lives.length > 0, 60_000);
  expect(await payments.pay('before')).toBe('paid 1, replayed');
});

/** An address whose new connections can be redirected, while open ones stay. */
async function startMovableAddress(lab: Lab, first: RedisServer) {
  let server = first;
  const address = createServer((near) => {
    const far = connect(server.port, '127.0.0.1');
    near.pipe(far).pipe(near);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const)
      from.on('error', () => to.destroy());
  }).listen(0, '127.0.0.1');
  await once(address, 'listening');
  lab.onEnd(() => address.close());
  const { port } = address.address() as AddressInfo;
  return {
    url: `redis://127.0.0.1:${port}`,
    leadTo(next: RedisServer) {
      server = next;
    },
  };
}
