// @onceguard/testing: tools to test a store against the contract, and an application under faults of its store.
export {
  type FaultRule,
  FaultStore,
  failsAfter,
  failsBefore,
  hangs,
  hangsAfter,
  runFirst,
  type StoreCall,
  type StoreMethod,
} from './fault-store.js';
export { type ManualClock, manualClock } from './manual-clock.js';
export { type FaultProxy, startFaultProxy } from './proxy/fault-proxy.js';
export type { CloseMode, ProxyFault } from './proxy/proxy-connection.js';
export { type RedisCluster, type StartRedisClusterOptions, startRedisCluster } from './servers/cluster.js';
export type { ClusterNode } from './servers/cluster-nodes.js';
export {
  type Address,
  type RedisServer,
  type RestartOptions,
  type StartRedisOptions,
  startRedis,
} from './servers/redis-server.js';
export { type ReplicaPair, type StartReplicaPairOptions, startReplicaPair } from './servers/replica-pair.js';
export { type SentinelSet, type StartSentinelSetOptions, startSentinelSet } from './servers/sentinel-set.js';
export type { StoreFixture, StoreSuiteOptions, SuiteCapabilities, SuiteRunner } from './store-suite/suite-context.js';
export { storeSuite } from './store-suite.js';
