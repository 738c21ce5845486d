// @onceguard/testing: what others need to prove a store of their own, and what they build on one under faults.
export {
  FaultStore,
  failsAfter,
  failsBefore,
  hangs,
  hangsAfter,
  type Interference,
  preceded,
  type StoreCall,
  type StoreVerb,
} from './fault-store.js';
export { type ManualClock, manualClock } from './manual-clock.js';
export type { Ending, Fault } from './proxy/connection.js';
export { type FaultProxy, startFaultProxy } from './proxy/fault-proxy.js';
export {
  type ClusterNode,
  type RedisCluster,
  type StartRedisClusterOptions,
  startRedisCluster,
} from './servers/cluster.js';
export {
  type Address,
  type RedisServer,
  type RestartOptions,
  type StartRedisOptions,
  startRedis,
} from './servers/redis-server.js';
export { type ReplicaPair, type StartReplicaPairOptions, startReplicaPair } from './servers/replica-pair.js';
export { type SentinelSet, type StartSentinelSetOptions, startSentinelSet } from './servers/sentinel-set.js';
export type { StoreSuiteOptions, StoreWorld, SuiteCapabilities, SuiteRunner } from './store-suite/contract.js';
export { storeSuite } from './store-suite.js';
