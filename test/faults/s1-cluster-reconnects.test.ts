// Story S1: a client's slot map becomes wrong while it sends nothing, and never heals; other clients work.
import { randomUUID } from 'node:crypto';
import type { RedisStore } from '@onceguard/core/redis';
import { type RedisCluster, startRedisCluster } from '@onceguard/testing';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { clusterClients } from './cluster-clients.js';
import { Lab, test } from './lab.js';
import { assignSlot, ownerOf, slotOf, unassignSlot } from './slot-operations.js';
import { expectWritesAgain, keysOnAllShards } from './store-writes-again.js';

describe('S1: clients that were connected to a cluster, and idle,', () => {
  /** For the clients that live through all tests. */
  const life = new Lab();
  let cluster: RedisCluster;
  let stores: readonly RedisStore[];

  beforeAll(async () => {
    cluster = await startRedisCluster({ args: ['--cluster-require-full-coverage', 'no'] });
    stores = await Promise.all(clusterClients.map(async ({ open }) => await open(life, cluster)));
    for (const store of stores) await expectWritesAgain(store);
  });

  afterAll(async () => {
    await life.end();
    await cluster.stop();
  });

  /** Call this when the servers work. */
  async function allHeal(lab: Lab): Promise<void> {
    await cluster.waitUntilOk();
    await Promise.all(stores.map(async (store) => await expectWritesAgain(store)));
    for (const store of stores) {
      expect(await lab.payments(store).pay(randomUUID())).toBe('paid 1, recorded');
    }
  }

  test('heal after slots have moved.', async ({ lab }) => {
    for (const key of keysOnAllShards) {
      const slot = await slotOf(key, cluster);
      const { owner, other } = await ownerOf(slot, cluster);
      await cluster.moveSlots([slot], owner, other);
    }
    await allHeal(lab);
  });

  test('heal after a slot was unassigned, and assigned elsewhere.', async ({ lab }) => {
    const slot = await slotOf('a', cluster);
    const { other } = await ownerOf(slot, cluster);
    await unassignSlot(slot, cluster);
    await assignSlot(slot, other, cluster);
    await allHeal(lab);
  });

  test('heal after a slot was unassigned while they called it, and assigned elsewhere.', async ({ lab }) => {
    const slot = await slotOf('b', cluster);
    const { other } = await ownerOf(slot, cluster);
    await unassignSlot(slot, cluster);
    const asks = stores.map(async (store) => {
      await expect(store.read('b')).rejects.toMatchObject({ code: 'store_unavailable' });
      await store.read('a');
    });
    await Promise.all(asks);
    await assignSlot(slot, other, cluster);
    await allHeal(lab);
  });

  test('heal after a failover.', async ({ lab }) => {
    const { owner } = await ownerOf(await slotOf('a', cluster), cluster);
    await owner.kill();
    await allHeal(lab);
  });

  test('heal after the lost master has come back in another role.', async ({ lab }) => {
    for (const node of cluster.nodes) if (node.state === 'down') await node.restart();
    await allHeal(lab);
  });
});
