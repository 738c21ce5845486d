// `onceguard doctor`: connects as a store would, and examines what is there.
import { ConfigurationError } from '../errors.js';
import { examine, type Finding, serversOf } from '../redis/check.js';
import type { ConnectOptions, ServerAddress } from '../redis/connect-options.js';
import { closeConnection, connected, openConnection } from '../redis/connection.js';

/** Where to look; `options` is the rest: who connects, the prefix, deadlines. */
export type Target =
  | { readonly kind: 'server'; readonly address: ServerAddress; readonly options: ConnectOptions }
  | { readonly kind: 'cluster'; readonly nodes: readonly ServerAddress[]; readonly options: ConnectOptions }
  | { readonly kind: 'sentinels'; readonly options: ConnectOptions };

interface Visit {
  readonly servers: readonly string[];
  readonly findings: readonly Finding[];
}

export interface Report extends Visit {
  /** Whether nothing was found of severity `error`. */
  readonly ok: boolean;
}

/** Throws a `ConfigurationError` for options that cannot be meant, and without the package `ioredis`. */
export async function examineAll(targets: readonly Target[]): Promise<Report> {
  const { servers, findings } = joined(await Promise.all(targets.map(examineTarget)));
  return { servers, findings, ok: findings.every(({ severity }) => severity !== 'error') };
}

async function examineTarget(target: Target): Promise<Visit> {
  switch (target.kind) {
    case 'server':
      return await examineServer(target.address, target.options);
    case 'cluster':
      return await examineCluster(target.nodes, target.options);
    case 'sentinels':
      return await visit(target.options);
  }
}

/** A node of a cluster that is given as a single server is an error, and the whole cluster is looked at, too. */
async function examineServer(address: ServerAddress, options: ConnectOptions): Promise<Visit> {
  const alone = await visit({ ...options, ...address });
  if (!alone.findings.some(isNodeAlone)) return alone;
  const whole = await examineCluster([address], options);
  return joined([{ servers: [], findings: alone.findings.filter(isNodeAlone) }, whole]);
}

/** What is wrong with a cluster that no client gets into, its nodes may know. */
async function examineCluster(nodes: readonly ServerAddress[], options: ConnectOptions): Promise<Visit> {
  const whole = await visit({ ...options, cluster: nodes });
  if (!whole.servers.includes('cluster')) return whole;
  const { servers, findings } = joined(await Promise.all(nodes.map((node) => visit({ ...options, ...node }))));
  return joined([
    { servers, findings: findings.filter((one) => !isNodeAlone(one)) },
    { ...whole, servers: [] },
  ]);
}

function isNodeAlone({ code }: Finding): boolean {
  return code === 'redis_cluster_node';
}

async function visit(options: ConnectOptions): Promise<Visit> {
  const { client, connectTimeoutMs, store } = await open(options);
  try {
    await connected(client, connectTimeoutMs);
    const servers = serversOf(client).map(({ server }) => server);
    return { servers, findings: await examine(client, store) };
  } finally {
    await closeConnection(client);
  }
}

async function open(options: ConnectOptions) {
  try {
    return await openConnection(options);
  } catch (error) {
    if (!(error instanceof ConfigurationError && error.cause !== undefined)) throw error;
    const remedy = 'npx -p ioredis -p @onceguard/core onceguard doctor redis://…';
    throw new ConfigurationError('option_invalid', `The package ioredis is missing. Run: ${remedy}`, { cause: error });
  }
}

/** What is said of the same server twice is one finding. */
function joined(visits: readonly Visit[]): Visit {
  const servers = new Set(visits.flatMap((visit) => visit.servers));
  const findings = visits.flatMap((visit) => visit.findings);
  const distinct = new Map(findings.map((finding) => [`${finding.code} ${finding.server}`, finding]));
  return { servers: [...servers], findings: [...distinct.values()] };
}
