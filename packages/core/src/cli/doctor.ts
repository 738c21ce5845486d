// `onceguard doctor`: connects as a store would, and examines what is there.
import { ConfigurationError } from '../errors.js';
import type { ConnectOptions, ServerAddress } from '../stores/redis/connection/connect-options.js';
import { closeConnection, connectAndWait, prepareConnection } from '../stores/redis/connection/owned-connection.js';
import { checkRedis, type Finding, listServers } from '../stores/redis/diagnostics/check/check-redis.js';

/** Where to look; `options` is the rest: who connects, the prefix, deadlines. */
export type CheckTarget =
  | { readonly kind: 'server'; readonly address: ServerAddress; readonly options: ConnectOptions }
  | { readonly kind: 'cluster'; readonly nodes: readonly ServerAddress[]; readonly options: ConnectOptions }
  | { readonly kind: 'sentinels'; readonly options: ConnectOptions };

interface CheckResult {
  readonly servers: readonly string[];
  readonly findings: readonly Finding[];
}

export interface CheckReport extends CheckResult {
  /** Whether nothing was found of severity `error`. */
  readonly ok: boolean;
}

/** Throws a `ConfigurationError` for options that cannot be meant, and without the package `ioredis`. */
export async function checkTargets(targets: readonly CheckTarget[]): Promise<CheckReport> {
  const { servers, findings } = mergeResults(await Promise.all(targets.map(checkTarget)));
  return { servers, findings, ok: findings.every(({ severity }) => severity !== 'error') };
}

async function checkTarget(target: CheckTarget): Promise<CheckResult> {
  switch (target.kind) {
    case 'server':
      return await checkServer(target.address, target.options);
    case 'cluster':
      return await checkCluster(target.nodes, target.options);
    case 'sentinels':
      return await connectAndCheck(target.options);
  }
}

/** A node of a cluster that is given as a single server is an error, and the whole cluster is looked at, too. */
async function checkServer(address: ServerAddress, options: ConnectOptions): Promise<CheckResult> {
  const singleResult = await connectAndCheck({ ...options, ...address });
  if (!singleResult.findings.some(isLoneClusterNode)) return singleResult;
  const clusterResult = await checkCluster([address], options);
  return mergeResults([{ servers: [], findings: singleResult.findings.filter(isLoneClusterNode) }, clusterResult]);
}

/** What is wrong with a cluster that no client gets into, its nodes may know. */
async function checkCluster(nodes: readonly ServerAddress[], options: ConnectOptions): Promise<CheckResult> {
  const clusterResult = await connectAndCheck({ ...options, cluster: nodes });
  if (!clusterResult.servers.includes('cluster')) return clusterResult;
  const { servers, findings } = mergeResults(
    await Promise.all(nodes.map((node) => connectAndCheck({ ...options, ...node }))),
  );
  return mergeResults([
    { servers, findings: findings.filter((one) => !isLoneClusterNode(one)) },
    { ...clusterResult, servers: [] },
  ]);
}

function isLoneClusterNode({ code }: Finding): boolean {
  return code === 'redis_cluster_node';
}

async function connectAndCheck(options: ConnectOptions): Promise<CheckResult> {
  const { client, connectTimeoutMs, store } = await prepareOrExplain(options);
  try {
    await connectAndWait(client, connectTimeoutMs);
    const servers = listServers(client).map(({ server }) => server);
    return { servers, findings: await checkRedis(client, store) };
  } finally {
    await closeConnection(client);
  }
}

async function prepareOrExplain(options: ConnectOptions) {
  try {
    return await prepareConnection(options);
  } catch (error) {
    if (!(error instanceof ConfigurationError && error.cause !== undefined)) throw error;
    const remedy = 'npx -p ioredis -p @onceguard/core onceguard doctor redis://…';
    throw new ConfigurationError('option_invalid', `The package ioredis is missing. Run: ${remedy}`, { cause: error });
  }
}

/** What is said of the same server twice is one finding. */
function mergeResults(results: readonly CheckResult[]): CheckResult {
  const servers = new Set(results.flatMap((visit) => visit.servers));
  const findings = results.flatMap((visit) => visit.findings);
  const distinct = new Map(findings.map((finding) => [`${finding.code} ${finding.server}`, finding]));
  return { servers: [...servers], findings: [...distinct.values()] };
}
