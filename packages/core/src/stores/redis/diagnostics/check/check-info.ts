// Judges the fields of INFO and CLUSTER INFO.
import { createFinding, type Finding } from './findings.js';

/** The fields of INFO or CLUSTER INFO. A missing field causes no finding. */
export type InfoFields = ReadonlyMap<string, string>;

/** The oldest version that has everything that the scripts use (SET with KEEPTTL), and that the tests run on. */
const minVersion = [6, 0] as const;

/** Finds what makes all calls fail, or most of them. */
export function checkUsability(
  server: string,
  info: InfoFields,
  cluster: InfoFields,
  reachesAllSlots: boolean,
): Finding[] {
  const findings: Finding[] = [];
  const version = info.get('redis_version');
  if (version !== undefined && isTooOld(version)) findings.push(createFinding('redis_too_old', server, { version }));
  if (info.get('role') === 'slave') findings.push(createFinding('redis_replica', server, {}));
  if (info.get('cluster_enabled') === '1' && !reachesAllSlots)
    findings.push(createFinding('redis_cluster_node', server, {}));
  const [state, slots] = [cluster.get('cluster_state'), cluster.get('cluster_slots_ok')];
  if (state !== undefined && slots !== undefined && !(state === 'ok' && slots === '16384')) {
    findings.push(createFinding('redis_cluster_incomplete', server, { state, slots }));
  }
  return findings;
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < minVersion[0] || (major === minVersion[0] && minor < minVersion[1]);
}

/** Finds what makes Redis lose acknowledged records. `appendfsync` is undefined if it is unknown. */
export function checkEvictionAndPersistence(
  server: string,
  info: InfoFields,
  appendfsync: string | undefined,
): Finding[] {
  const findings: Finding[] = [];
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction') {
    const code = info.get('maxmemory') === '0' ? 'redis_may_evict' : 'redis_evicts';
    findings.push(createFinding(code, server, { policy }));
  }
  if (info.get('aof_enabled') === '0') findings.push(createFinding('redis_not_persistent', server, {}));
  if (appendfsync === 'no') findings.push(createFinding('redis_fsync_never', server, {}));
  if (appendfsync === 'everysec') findings.push(createFinding('redis_fsync_every_second', server, {}));
  return findings;
}

/** `wanted` is how many replicas must confirm a write. */
export function checkReplicas(server: string, info: InfoFields, wanted: number): Finding[] {
  if (info.get('role') !== 'master') return [];
  const replicas = [...info].filter(([name]) => /^slave\d+$/.test(name));
  const online = replicas.filter(([, state]) => state.includes('state=online')).length;
  const findings: Finding[] = [];
  if (online < wanted) findings.push(createFinding('redis_too_few_replicas', server, { wanted, online }));
  // Redis shows this field only if both min-replicas settings are above 0.
  const requiresReplicas = info.has('min_slaves_good_slaves');
  if (replicas.length > 0 && !requiresReplicas) findings.push(createFinding('redis_min_replicas', server, {}));
  return findings;
}
