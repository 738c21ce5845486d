// Case 19 behind Sentinel, and failovers there: a master is frozen, wakes up after it was replaced, or is killed.
import { type ConnectOptions, RedisStore, safeRedisOptions } from '@onceguard/core/redis';
import { type RedisServer, type SentinelSet, startSentinelSet } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { Redis as Redis5, type RedisOptions as RedisOptions5 } from 'ioredis5';
import { describe, expect, vi } from 'vitest';
import { acquireLease } from '../../packages/testing/src/store-suite/test-helpers.js';
import { BackgroundLoad } from './background-load.js';
import { type Lab, test } from './lab.js';
import { expectWritesAgain } from './store-writes-again.js';

describe.concurrent('behind Sentinel', () => {
  test('19. A master that is frozen until it is replaced and then wakes up has acknowledged nothing that is lost.', async ({
    lab,
  }) => {
    const set = await startSet(lab);
    const load = new BackgroundLoad(await connect(lab, set));
    const idle = await connect(lab, set);
    const unsafe = storeOnClient(lab, new Redis(sentinels(set)));
    await Promise.all([load.untilMoreAcknowledged(), expectWritesAgain(idle), expectWritesAgain(unsafe)]);
    set.master.freeze();
    const successor = await currentMaster(set);
    await expectWritesAgain(load.store);
    set.master.thaw();
    const truth = await lab.connect(successor.url);
    // A client that sent nothing meanwhile has left the old master too.
    await expectWritesAgain(idle);
    const { ownerToken } = await acquireLease({ store: idle, key: 'remembered' });
    expect((await truth.read('remembered')).record).toMatchObject({ ownerToken: ownerToken });
    // The fault is real: a client with the default options of ioredis stays, and gets replies that no other master
    // knows.
    await acquireLease({ store: unsafe, key: 'forgotten' });
    expect((await truth.read('forgotten')).record).toBeNull();
    await untilReplica(set.master);
    await Promise.all([load.store, idle, unsafe].map(async (store) => await expectWritesAgain(store)));
    await load.stop();
    expect(await load.keysLostAt(truth)).toEqual([]);
  });

  test('19. With durability nothing is lost when the old master wakes up during the failover, under load from several clients.', async ({
    lab,
  }) => {
    const set = await startSet(lab);
    const [replica = expect.fail()] = set.replicas;
    const durability = { replicas: 1, timeoutMs: 200 };
    const stores = await Promise.all([1, 2].map(async () => await connect(lab, set, { durability })));
    const loads = stores.map((store) => new BackgroundLoad(store));
    await Promise.all(loads.map(async (load) => await load.untilMoreAcknowledged()));
    set.master.freeze();
    await vi.waitUntil(async () => (await replicationOf(replica)).includes('role:master'), 60_000);
    set.master.thaw();
    const successor = await currentMaster(set);
    await untilReplica(set.master);
    await Promise.all(stores.map(async (store) => await expectWritesAgain(store)));
    await Promise.all(loads.map(async (load) => await load.stop()));
    const truth = await lab.connect(successor.url);
    for (const load of loads) expect(await load.keysLostAt(truth)).toEqual([]);
  });

  test('Failover: a master is killed under load, every client heals, and nothing that was acknowledged is lost.', async ({
    lab,
  }) => {
    const set = await startSet(lab);
    const load = new BackgroundLoad(await connect(lab, set));
    // The two versions' types differ in options that are not used here.
    const safe = { ...safeRedisOptions(), lazyConnect: false } as RedisOptions5;
    const clients = [new Redis(sentinels(set)), new Redis5(sentinels(set)), new Redis5({ ...safe, ...sentinels(set) })];
    const others = clients.map((client) => storeOnClient(lab, client));
    await Promise.all([load.untilMoreAcknowledged(), ...others.map(async (store) => await expectWritesAgain(store))]);
    await set.master.kill();
    const loads = [load, ...others.map((store) => new BackgroundLoad(store))];
    const successor = await currentMaster(set);
    await Promise.all(loads.map(async ({ store }) => await expectWritesAgain(store)));
    await Promise.all(loads.map(async (one) => await one.stop()));
    const truth = await lab.connect(successor.url);
    for (const one of loads) expect(await one.keysLostAt(truth)).toEqual([]);
  });

  test('A failover announced during connect, which ends an ioredis client for good, does not end a store.', async ({
    lab,
  }) => {
    const set = await startSet(lab);
    const connections = vi.spyOn(Redis.prototype, 'connect');
    const store = await connect(lab, set);
    const made = connections.mock.contexts as Redis[];
    const client = made.find(({ options }) => usesTheseSentinels(options, set)) ?? expect.fail();
    const ended = new Promise((resolve) => client.once('end', resolve));
    client.once('connecting', () => signalFailover(client));
    client.disconnect(true);
    await ended;
    await expectWritesAgain(store);
    const closed = new Promise((resolve) => client.once('end', resolve));
    await Promise.all([closed, store.close()]);
    expect(client.status).toBe('end');
  });
});

function usesTheseSentinels({ sentinels: configured }: Redis['options'], { addresses }: SentinelSet): boolean {
  return configured?.some(({ port }) => port === addresses[0]?.port) ?? false;
}

/** What its detector of failovers does. */
function signalFailover(client: Redis): void {
  (client as unknown as { connector: { disconnect(): void } }).connector.disconnect();
}

async function startSet(lab: Lab): Promise<SentinelSet> {
  const set = await startSentinelSet();
  lab.onEnd(() => set.stop());
  return set;
}

async function connect(
  lab: Lab,
  { addresses, masterName }: SentinelSet,
  options: Pick<ConnectOptions, 'durability'> = {},
) {
  const store = await RedisStore.connect({ sentinels: addresses, name: masterName, prefix: lab.prefix, ...options });
  lab.onEnd(() => store.close());
  return store;
}

function sentinels({ addresses, masterName }: SentinelSet) {
  return { sentinels: [...addresses], name: masterName };
}

/** A store on a user's client. */
function storeOnClient(lab: Lab, client: Redis | Redis5): RedisStore {
  // Without a listener ioredis prints every error.
  client.on('error', () => {});
  // A failover announcement ends a connection attempt.
  const reconnect = () => void client.connect().catch(() => {});
  client.on('end', reconnect);
  lab.onEnd(() => {
    client.off('end', reconnect);
    client.disconnect();
  });
  return new RedisStore({ client, prefix: lab.prefix });
}

/** The current master, once all Sentinels agree. */
async function currentMaster({ masterName, sentinels, replicas }: SentinelSet): Promise<RedisServer> {
  const found = await vi.waitUntil(async () => {
    const masters = await Promise.all(
      sentinels.map(async (one) => await one.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)),
    );
    return replicas.find(({ port }) => masters.every((address) => String(address) === `127.0.0.1,${port}`));
  }, 60_000);
  return found ?? expect.fail();
}

/** Sentinel gives a returned master some seconds before it makes it a replica. */
async function untilReplica(server: RedisServer): Promise<void> {
  await vi.waitUntil(async () => (await replicationOf(server)).includes('master_link_status:up'), 60_000);
}

/** Sentinel ends all connections to a server whose role it changes: then the call is repeated. */
async function replicationOf(server: RedisServer): Promise<string> {
  return String(await server.command('INFO', 'replication').catch(() => ''));
}
