// What a Redis is worth for this job: every server that the client knows is looked at.
import { StoreError } from '../errors.js';
import { unsafeOptions } from './check/client-options.js';
import { type Finding, finding } from './check/findings.js';
import { judgeKeeping, judgeReplicas, judgeStanding } from './check/info.js';
import { Interview } from './check/interview.js';
import { tryRights } from './check/rights.js';
import { servesAllSlots } from './check/slot.js';
import { judgeTiming } from './check/timing.js';
import { isCluster, mastersOf, type RedisClient, type RedisNode, serverName } from './client.js';
import { probe } from './probe.js';
import type { Durability } from './replicated.js';
import { ClientWatch } from './watch.js';

export { announce } from './check/announce.js';
export type { Finding, FindingCode, Severity } from './check/findings.js';

export interface CheckOptions {
  readonly prefix: string;
  /** The deadline of each question. A server is asked about a dozen of them, one after the other. */
  readonly storeTimeoutMs: number;
  readonly durability?: Durability | undefined;
}

/**
 * Looks at every master that the client knows, and at the options of the client. At most one finding per code and server,
 * errors first. Does not fail: a server that does not answer is a finding. Leaves nothing behind.
 */
export async function examine(client: RedisClient, options: CheckOptions): Promise<readonly Finding[]> {
  const servers = serversOf(client);
  const found = await Promise.all(servers.map(({ node, server }) => examineServer(client, node, server, options)));
  const findings = [...unsafeOptions(client), ...found.flat()];
  return severities.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

/** Every server that is looked at, by the name under which findings are about it. */
export function serversOf(client: RedisClient): { readonly node: RedisNode; readonly server: string }[] {
  // A cluster client that is still connecting may leave its nodes at any moment.
  const isConnecting = isCluster(client) && client.status !== 'ready';
  const masters = isConnecting ? [] : mastersOf(client).map((node) => ({ node, server: serverName(node) }));
  return masters.length > 0 ? masters : [{ node: client, server: 'cluster' }];
}

/** Long enough for a server on another continent to say its first line. */
const probeTimeoutMs = 1_000;

const severities = ['error', 'warning', 'info'] as const;

async function examineServer(
  client: RedisClient,
  node: RedisNode,
  server: string,
  options: CheckOptions,
): Promise<Finding[]> {
  try {
    return await findingsOf(client, node, server, options);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const cause = (await obstacleOf(client, node)) ?? error.message;
    return [finding('redis_unreachable', server, { cause })];
  }
}

async function findingsOf(
  client: RedisClient,
  node: RedisNode,
  server: string,
  { prefix, storeTimeoutMs, durability }: CheckOptions,
): Promise<Finding[]> {
  const interview = new Interview(client, storeTimeoutMs);
  const info = await interview.fields(node, 'INFO');
  // Valkey calls it server_mode.
  if ((info.get('server_mode') ?? info.get('redis_mode')) === 'sentinel')
    return [finding('redis_sentinel', server, {})];
  const isNode = info.get('cluster_enabled') === '1';
  const cluster = isNode ? await interview.fields(node, 'CLUSTER INFO') : new Map<string, string>();
  const reachesAll = isCluster(client) || !isNode || servesAllSlots(await interview.ask(node, 'CLUSTER SLOTS'));
  const standing = judgeStanding(server, info, cluster, reachesAll);
  const appendfsync = info.get('aof_enabled') === '1' ? await setting(interview, node, 'appendfsync') : undefined;
  const timing = await judgeTiming(server, interview, node, storeTimeoutMs);
  if (standing.length === 0) {
    await tryRights(interview, client, node, prefix);
    if (durability !== undefined) await interview.ask(node, 'WAIT', [0, 1]);
  }
  return [
    ...standing,
    ...judgeRefusals(server, interview),
    ...judgeKeeping(server, info, appendfsync),
    ...judgeReplicas(server, info, durability?.replicas ?? 0),
    ...timing,
  ];
}

/** A setting that INFO does not tell. */
async function setting(interview: Interview, node: RedisNode, name: string): Promise<string | undefined> {
  const reply = await interview.ask(node, 'CONFIG GET', [name]);
  const value: unknown = Array.isArray(reply) ? reply[1] : undefined;
  return Buffer.isBuffer(value) ? value.toString('latin1') : undefined;
}

/** Questions that the check alone asks: the store works without an answer. */
const curious = ['CONFIG GET', 'CLUSTER INFO', 'CLUSTER NODES', 'CLUSTER SLOTS'];

function judgeRefusals(server: string, { forbidden, refusal }: Interview): Finding[] {
  const found: Finding[] = [];
  const needed = [...forbidden].filter((name) => name !== 'INFO' && !curious.includes(name));
  const unknown = curious.filter((name) => forbidden.has(name));
  if (needed.length > 0) found.push(finding('redis_no_rights', server, { what: needed.join(', ') }));
  if (refusal !== null) found.push(finding('redis_refuses', server, { said: refusal }));
  if (forbidden.has('INFO')) found.push(finding('redis_no_info', server, {}));
  if (unknown.length > 0) found.push(finding('redis_not_looked_at', server, { what: unknown.join(', ') }));
  return found;
}

/** What the client hides: it only says that it is not connected, or to one of the servers not. */
async function obstacleOf(client: RedisClient, node: RedisNode): Promise<string | null> {
  const watch = ClientWatch.of(client);
  if (client.status !== 'ready') {
    await watch.diagnose();
    return watch.refusal?.message ?? `the client is not connected, its status is ${client.status}`;
  }
  const refusal = node === client ? null : await probe(node.options, probeTimeoutMs);
  return refusal?.message ?? null;
}
