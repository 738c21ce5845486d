// Checks whether a Redis is fit to keep records: every server that the client knows, and the options of the client.
import { StoreError } from '../../../../errors.js';
import { isCluster, mastersOf, type RedisClient, type RedisNode } from '../../connection/redis-client.js';
import { serverName } from '../../connection/server-name.js';
import { ClientMonitor } from '../client-monitor.js';
import { probeServer, probeTimeoutMs } from '../server-probe.js';
import { CapabilityProbe } from './capability-probe.js';
import { checkClientOptions } from './check-client-options.js';
import { checkEvictionAndPersistence, checkReplicas, checkUsability } from './check-info.js';
import { checkLatencyAndClock } from './check-latency-and-clock.js';
import { checkPermissions } from './check-permissions.js';
import { hasSingleEndpoint } from './cluster-slots.js';
import { createFinding, type Finding } from './findings.js';
import type { CheckOptions, ServerCheck } from './server-check.js';

export type { Finding, FindingCode, Severity } from './findings.js';
export type { CheckOptions } from './server-check.js';

/**
 * Checks every master that the client knows, and the options of the client. Returns at most one finding per code and server,
 * errors first. Does not reject: an unreachable server is a finding. Leaves nothing in Redis.
 */
export async function checkRedis(client: RedisClient, options: CheckOptions): Promise<readonly Finding[]> {
  const servers = listServers(client);
  const ofServers = await Promise.all(
    servers.map(({ node, server }) => {
      const probe = new CapabilityProbe(client, node, options.callTimeoutMs);
      return checkServer({ client, node, server, probe, options });
    }),
  );
  const findings = [...checkClientOptions(client), ...ofServers.flat()];
  return severityOrder.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

/** The name, in findings, of a cluster of which the client has reached no node. */
export const unreachedClusterName = 'cluster';

/** The servers to check, each with its name in findings. */
export function listServers(client: RedisClient): { readonly node: RedisNode; readonly server: string }[] {
  // A cluster client that is still connecting may leave its nodes at any moment.
  const isConnecting = isCluster(client) && client.status !== 'ready';
  const masters = isConnecting ? [] : mastersOf(client).map((node) => ({ node, server: serverName(node) }));
  return masters.length > 0 ? masters : [{ node: client, server: unreachedClusterName }];
}

const severityOrder = ['error', 'warning', 'info'] as const;

async function checkServer(check: ServerCheck): Promise<Finding[]> {
  try {
    return await collectFindings(check);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const cause = (await diagnoseUnreachable(check)) ?? error.message;
    return [createFinding('redis_unreachable', check.server, { cause })];
  }
}

async function collectFindings(check: ServerCheck): Promise<Finding[]> {
  const { client, server, probe, options } = check;
  const info = await probe.queryFields('INFO');
  // Valkey has the field under the name server_mode.
  if ((info.get('server_mode') ?? info.get('redis_mode')) === 'sentinel')
    return [createFinding('redis_sentinel', server, {})];
  const isClusterNode = info.get('cluster_enabled') === '1';
  const clusterInfo = isClusterNode ? await probe.queryFields('CLUSTER INFO') : new Map<string, string>();
  const reachesAllSlots = isCluster(client) || !isClusterNode || hasSingleEndpoint(await probe.query('CLUSTER SLOTS'));
  const usability = checkUsability(server, info, clusterInfo, reachesAllSlots);
  const appendfsync = info.get('aof_enabled') === '1' ? await readSetting(probe, 'appendfsync') : undefined;
  const timing = await checkLatencyAndClock(check);
  if (usability.length === 0) {
    await checkPermissions(check);
    if (options.durability !== undefined) await probe.query('WAIT', [0, 1]);
  }
  return [
    ...usability,
    ...reportRefusals(check),
    ...checkEvictionAndPersistence(server, info, appendfsync),
    ...checkReplicas(server, info, options.durability?.replicas ?? 0),
    ...timing,
  ];
}

/** Reads a setting that INFO does not show. */
async function readSetting(probe: CapabilityProbe, name: string): Promise<string | undefined> {
  const reply = await probe.query('CONFIG GET', [name]);
  const value: unknown = Array.isArray(reply) ? reply[1] : undefined;
  return Buffer.isBuffer(value) ? value.toString('latin1') : undefined;
}

/** Commands that only the check uses. The store works without them. */
const optionalCommands = ['CONFIG GET', 'CLUSTER INFO', 'CLUSTER NODES', 'CLUSTER SLOTS'];

function reportRefusals({ server, probe: { denied, firstError } }: ServerCheck): Finding[] {
  const findings: Finding[] = [];
  const missing = [...denied].filter((name) => name !== 'INFO' && !optionalCommands.includes(name));
  const missingOptional = optionalCommands.filter((name) => denied.has(name));
  if (missing.length > 0) findings.push(createFinding('redis_no_rights', server, { commands: missing.join(', ') }));
  if (firstError !== null) findings.push(createFinding('redis_rejects_writes', server, { error: firstError }));
  if (denied.has('INFO')) findings.push(createFinding('redis_no_info', server, {}));
  if (missingOptional.length > 0) {
    findings.push(createFinding('redis_settings_unknown', server, { commands: missingOptional.join(', ') }));
  }
  return findings;
}

/** The client itself says only that it is not connected, or that it does not reach one of the servers. */
async function diagnoseUnreachable({ client, node }: ServerCheck): Promise<string | null> {
  if (client.status !== 'ready') {
    const monitor = ClientMonitor.forClient(client);
    await monitor.diagnose();
    return monitor.failure?.message ?? `the client is not connected, its status is ${client.status}`;
  }
  const failure = node === client ? null : await probeServer(node.options, probeTimeoutMs);
  return failure?.message ?? null;
}
