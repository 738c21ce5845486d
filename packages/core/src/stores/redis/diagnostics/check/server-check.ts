// What the parts of a check share: the server, the means to query it, and the options.
import type { RedisClient, RedisNode } from '../../connection/redis-client.js';
import type { Durability } from '../../connection/replication-wait.js';
import type { CapabilityProbe } from './capability-probe.js';

export interface CheckOptions {
  readonly prefix: string;
  /** The deadline of each query. A check sends about a dozen queries to a server, one after the other. */
  readonly callTimeoutMs: number;
  readonly durability?: Durability | undefined;
}

export interface ServerCheck {
  readonly client: RedisClient;
  readonly node: RedisNode;
  /** The name of the server in findings. */
  readonly server: string;
  readonly probe: CapabilityProbe;
  readonly options: CheckOptions;
}
