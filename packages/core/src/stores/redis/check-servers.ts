// checkRedisServers: connects as a store does, and checks the servers. The command `onceguard doctor` shows its report.
import type { ConnectOptions, ServerAddress } from './connection/connect-options.js';
import { closeConnection, connectAndWait, prepareConnection } from './connection/owned-connection.js';
import { checkRedis, type Finding, listServers, unreachedClusterName } from './diagnostics/check/check-redis.js';
import { ClientMonitor } from './diagnostics/client-monitor.js';

/** The servers to check. `options` has the rest: credentials, prefix, deadlines. */
export type RedisCheckTarget =
  | { readonly kind: 'server'; readonly address: ServerAddress; readonly options: ConnectOptions }
  | { readonly kind: 'cluster'; readonly nodes: readonly ServerAddress[]; readonly options: ConnectOptions }
  | { readonly kind: 'sentinels'; readonly options: ConnectOptions };

interface CheckResult {
  readonly servers: readonly string[];
  readonly findings: readonly Finding[];
}

/** What was checked, and what was found. */
export interface RedisCheckReport extends CheckResult {
  /** True without findings of severity `error`. */
  readonly ok: boolean;
}

/**
 * Checks servers with connections of its own, which it closes. A server that cannot be reached is a finding, with the cause. Leaves
 * nothing in Redis.
 *
 * Rejects with a `ConfigurationError` for options that are not valid, or if the package `ioredis` is not installed.
 *
 * @example
 * const report = await checkRedisServers([{ kind: 'server', address: { host: '127.0.0.1', port: 6379 }, options: {} }]);
 */
export async function checkRedisServers(targets: readonly RedisCheckTarget[]): Promise<RedisCheckReport> {
  const { servers, findings } = mergeResults(await Promise.all(targets.map(checkTarget)));
  return { servers, findings, ok: findings.every(({ severity }) => severity !== 'error') };
}

async function checkTarget(target: RedisCheckTarget): Promise<CheckResult> {
  switch (target.kind) {
    case 'server':
      return await checkServer(target.address, target.options);
    case 'cluster':
      return await checkCluster(target.nodes, target.options);
    case 'sentinels':
      return await connectAndCheck(target.options);
  }
}

/** A cluster node as a single server is an error. In that case the whole cluster is checked too. */
async function checkServer(address: ServerAddress, options: ConnectOptions): Promise<CheckResult> {
  const singleResult = await connectAndCheck({ ...options, ...address });
  if (!singleResult.findings.some(isLoneClusterNode)) return singleResult;
  const clusterResult = await checkCluster([address], options);
  return mergeResults([{ servers: [], findings: singleResult.findings.filter(isLoneClusterNode) }, clusterResult]);
}

/** If the client cannot connect to the cluster, each node is checked as a single server, which may show the cause. */
async function checkCluster(nodes: readonly ServerAddress[], options: ConnectOptions): Promise<CheckResult> {
  const clusterResult = await connectAndCheck({ ...options, cluster: nodes });
  if (!clusterResult.servers.includes(unreachedClusterName)) return clusterResult;
  const { servers, findings } = mergeResults(
    await Promise.all(nodes.map((node) => connectAndCheck({ ...options, ...node }))),
  );
  return mergeResults([
    { servers, findings: findings.filter((finding) => !isLoneClusterNode(finding)) },
    { ...clusterResult, servers: [] },
  ]);
}

function isLoneClusterNode({ code }: Finding): boolean {
  return code === 'redis_cluster_node';
}

async function connectAndCheck(options: ConnectOptions): Promise<CheckResult> {
  const connection = await prepareConnection(options);
  const { client, storeOptions } = connection;
  try {
    await connectAndWait(connection, ClientMonitor.forClient(client));
    const servers = listServers(client).map(({ server }) => server);
    return { servers, findings: await checkRedis(client, storeOptions) };
  } finally {
    await closeConnection(client);
  }
}

/** Drops repeated findings about the same server. */
function mergeResults(results: readonly CheckResult[]): CheckResult {
  const servers = new Set(results.flatMap((result) => result.servers));
  const findings = results.flatMap((result) => result.findings);
  const distinct = new Map(findings.map((finding) => [`${finding.code} ${finding.server}`, finding]));
  return { servers: [...servers], findings: [...distinct.values()] };
}
