// What a Redis is worth for this job: every server that the client knows is looked at.
import { StoreError } from '../../../../errors.js';
import { isCluster, mastersOf, type RedisClient, type RedisNode, serverName } from '../../connection/redis-client.js';
import type { Durability } from '../../connection/replication-wait.js';
import { ClientMonitor } from '../client-monitor.js';
import { probeServer } from '../server-probe.js';
import { CapabilityProbe } from './capability-probe.js';
import { checkClientOptions } from './check-client-options.js';
import { checkEvictionAndPersistence, checkReplicas, checkUsability } from './check-info.js';
import { checkLatencyAndClock } from './check-latency-and-clock.js';
import { checkPermissions } from './check-permissions.js';
import { hasSingleEndpoint } from './cluster-slots.js';
import { createFinding, type Finding } from './findings.js';

export type { Finding, FindingCode, Severity } from './findings.js';
export { publishFindings } from './publish-findings.js';

export interface CheckOptions {
  readonly prefix: string;
  /** The deadline of each question. A server is asked about a dozen of them, one after the other. */
  readonly callTimeoutMs: number;
  readonly durability?: Durability | undefined;
}

/**
 * Looks at every master that the client knows, and at the options of the client. At most one finding per code and server,
 * errors first. Does not fail: a server that does not answer is a finding. Leaves nothing behind.
 */
export async function checkRedis(client: RedisClient, options: CheckOptions): Promise<readonly Finding[]> {
  const servers = listServers(client);
  const found = await Promise.all(servers.map(({ node, server }) => checkServer(client, node, server, options)));
  const findings = [...checkClientOptions(client), ...found.flat()];
  return severityOrder.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

/** Every server that is looked at, by the name under which findings are about it. */
export function listServers(client: RedisClient): { readonly node: RedisNode; readonly server: string }[] {
  // A cluster client that is still connecting may leave its nodes at any moment.
  const isConnecting = isCluster(client) && client.status !== 'ready';
  const masters = isConnecting ? [] : mastersOf(client).map((node) => ({ node, server: serverName(node) }));
  return masters.length > 0 ? masters : [{ node: client, server: 'cluster' }];
}

/** Long enough for a server on another continent to say its first line. */
const probeTimeoutMs = 1_000;

const severityOrder = ['error', 'warning', 'info'] as const;

async function checkServer(
  client: RedisClient,
  node: RedisNode,
  server: string,
  options: CheckOptions,
): Promise<Finding[]> {
  try {
    return await collectFindings(client, node, server, options);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const cause = (await diagnoseUnreachable(client, node)) ?? error.message;
    return [createFinding('redis_unreachable', server, { cause })];
  }
}

async function collectFindings(
  client: RedisClient,
  node: RedisNode,
  server: string,
  { prefix, callTimeoutMs, durability }: CheckOptions,
): Promise<Finding[]> {
  const interview = new CapabilityProbe(client, callTimeoutMs);
  const info = await interview.queryFields(node, 'INFO');
  // Valkey calls it server_mode.
  if ((info.get('server_mode') ?? info.get('redis_mode')) === 'sentinel')
    return [createFinding('redis_sentinel', server, {})];
  const isNode = info.get('cluster_enabled') === '1';
  const cluster = isNode ? await interview.queryFields(node, 'CLUSTER INFO') : new Map<string, string>();
  const reachesAllSlots =
    isCluster(client) || !isNode || hasSingleEndpoint(await interview.query(node, 'CLUSTER SLOTS'));
  const usability = checkUsability(server, info, cluster, reachesAllSlots);
  const appendfsync = info.get('aof_enabled') === '1' ? await readConfig(interview, node, 'appendfsync') : undefined;
  const timing = await checkLatencyAndClock(server, interview, node, callTimeoutMs);
  if (usability.length === 0) {
    await checkPermissions(interview, client, node, prefix);
    if (durability !== undefined) await interview.query(node, 'WAIT', [0, 1]);
  }
  return [
    ...usability,
    ...checkRefusedCommands(server, interview),
    ...checkEvictionAndPersistence(server, info, appendfsync),
    ...checkReplicas(server, info, durability?.replicas ?? 0),
    ...timing,
  ];
}

/** A setting that INFO does not tell. */
async function readConfig(interview: CapabilityProbe, node: RedisNode, name: string): Promise<string | undefined> {
  const reply = await interview.query(node, 'CONFIG GET', [name]);
  const value: unknown = Array.isArray(reply) ? reply[1] : undefined;
  return Buffer.isBuffer(value) ? value.toString('latin1') : undefined;
}

/** Questions that the check alone asks: the store works without an answer. */
const optionalCommands = ['CONFIG GET', 'CLUSTER INFO', 'CLUSTER NODES', 'CLUSTER SLOTS'];

function checkRefusedCommands(server: string, { denied, firstError }: CapabilityProbe): Finding[] {
  const found: Finding[] = [];
  const needed = [...denied].filter((name) => name !== 'INFO' && !optionalCommands.includes(name));
  const unknown = optionalCommands.filter((name) => denied.has(name));
  if (needed.length > 0) found.push(createFinding('redis_no_rights', server, { what: needed.join(', ') }));
  if (firstError !== null) found.push(createFinding('redis_refuses', server, { said: firstError }));
  if (denied.has('INFO')) found.push(createFinding('redis_no_info', server, {}));
  if (unknown.length > 0) found.push(createFinding('redis_not_looked_at', server, { what: unknown.join(', ') }));
  return found;
}

/** What the client hides: it only says that it is not connected, or to one of the servers not. */
async function diagnoseUnreachable(client: RedisClient, node: RedisNode): Promise<string | null> {
  const watch = ClientMonitor.forClient(client);
  if (client.status !== 'ready') {
    await watch.diagnose();
    return watch.failure?.message ?? `the client is not connected, its status is ${client.status}`;
  }
  const refusal = node === client ? null : await probeServer(node.options, probeTimeoutMs);
  return refusal?.message ?? null;
}
