// Stores on a cluster as users make them: on their own connection, or on a client of either version of ioredis.
import { type ConnectOptions, RedisStore, safeClusterOptions } from '@onceguard/core/redis';
import type { RedisCluster } from '@onceguard/testing';
import { Cluster } from 'ioredis';
import { Cluster as Cluster5, type ClusterOptions as ClusterOptions5 } from 'ioredis5';
import type { Lab } from './lab.js';

type StoreOptions = Pick<ConnectOptions, 'durability'>;

/** Options that a user may have set on a client. */
type ClientOptions = Pick<ClusterOptions5, 'enableAutoPipelining' | 'scaleReads'>;

export interface ClusterClient {
  readonly name: string;
  /** Resolves when the store is connected. The lab closes it. */
  open(lab: Lab, cluster: RedisCluster, options?: StoreOptions): Promise<RedisStore>;
}

/** The store's own connection: what is promised for frozen masters holds for this one. */
export const ownConnection: ClusterClient = {
  name: 'a connection of the store',
  async open(lab, { addresses }, options) {
    const store = await RedisStore.connect({ cluster: addresses, prefix: lab.prefix, ...options });
    lab.onEnd(() => store.close());
    return store;
  },
};

export const clusterClients: readonly ClusterClient[] = [
  ownConnection,
  {
    name: 'ioredis 6, default options',
    open: async (lab, cluster, options) => storeOnClient(lab, await clusterClient(lab, cluster), options),
  },
  {
    name: 'ioredis 5, default options',
    open: async (lab, cluster, options) => storeOnClient(lab, await clusterClient5(lab, cluster), options),
  },
  {
    name: 'ioredis 5, safe options',
    async open(lab, cluster, options) {
      // The two versions' types differ in options that are not used here.
      return storeOnClient(lab, await clusterClient5(lab, cluster, safeClusterOptions() as ClusterOptions5), options);
    },
  },
];

export async function clusterClient(lab: Lab, { addresses }: RedisCluster, options: ClientOptions = {}) {
  return await connectClient(lab, new Cluster([...addresses], { ...options, lazyConnect: true }));
}

export async function clusterClient5(lab: Lab, { addresses }: RedisCluster, options: ClientOptions = {}) {
  return await connectClient(lab, new Cluster5([...addresses], { ...options, lazyConnect: true }));
}

/** Reads the current data, through a new client. */
export async function newObserverStore(lab: Lab, cluster: RedisCluster): Promise<RedisStore> {
  return storeOnClient(lab, await clusterClient(lab, cluster));
}

async function connectClient<Client extends Cluster | Cluster5>(lab: Lab, client: Client): Promise<Client> {
  // Without a listener ioredis prints every error.
  client.on('error', () => {});
  lab.onEnd(() => client.disconnect());
  await client.connect();
  return client;
}

function storeOnClient(lab: Lab, client: Cluster | Cluster5, options: StoreOptions = {}): RedisStore {
  return new RedisStore({ client, prefix: lab.prefix, ...options });
}
