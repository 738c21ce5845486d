// Starts servers of each kind, sends their traces to the parent process, and waits to be killed.
import { startRedis, startRedisCluster, startReplicaPair, startSentinelSet } from '@onceguard/testing';
import { type ServerTraces, tracesOf } from '../server-traces.js';

const [frozen, killed, pair, set, cluster] = await Promise.all([
  startRedis(),
  startRedis({ args: ['--appendonly', 'yes'] }),
  startReplicaPair(),
  startSentinelSet(),
  startRedisCluster({ replicasPerMaster: 0 }),
]);
const traces: ServerTraces[] = await Promise.all(
  [frozen, killed, pair.master, pair.replica, ...set.sentinels, set.master, ...set.replicas, ...cluster.nodes].map(
    tracesOf,
  ),
);
frozen.freeze();
await killed.kill();
process.send?.(traces);
