// What INFO says about a server, judged.
import { createFinding, type Finding } from './findings.js';

/** The fields of INFO, or of CLUSTER INFO. A field that is not there is not judged. */
export type InfoFields = ReadonlyMap<string, string>;

/** The oldest version that has all that the scripts use (SET with KEEPTTL), and that the tests run on. */
const minVersion = [6, 0] as const;

/** What makes every call fail, or most of them. */
export function checkUsability(
  server: string,
  info: InfoFields,
  cluster: InfoFields,
  reachesAllSlots: boolean,
): Finding[] {
  const found: Finding[] = [];
  const version = info.get('redis_version');
  if (version !== undefined && isTooOld(version)) found.push(createFinding('redis_too_old', server, { version }));
  if (info.get('role') === 'slave') found.push(createFinding('redis_replica', server, {}));
  if (info.get('cluster_enabled') === '1' && !reachesAllSlots)
    found.push(createFinding('redis_cluster_node', server, {}));
  const [state, slots] = [cluster.get('cluster_state'), cluster.get('cluster_slots_ok')];
  if (state !== undefined && slots !== undefined && !(state === 'ok' && slots === '16384')) {
    found.push(createFinding('redis_cluster_incomplete', server, { state, slots }));
  }
  return found;
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < minVersion[0] || (major === minVersion[0] && minor < minVersion[1]);
}

/** Whether records that are acknowledged stay. `appendfsync` is undefined where it is not known. */
export function checkEvictionAndPersistence(
  server: string,
  info: InfoFields,
  appendfsync: string | undefined,
): Finding[] {
  const found: Finding[] = [];
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction') {
    const code = info.get('maxmemory') === '0' ? 'redis_may_evict' : 'redis_evicts';
    found.push(createFinding(code, server, { policy }));
  }
  if (info.get('aof_enabled') === '0') found.push(createFinding('redis_not_persistent', server, {}));
  if (appendfsync === 'no') found.push(createFinding('redis_fsync_never', server, {}));
  if (appendfsync === 'everysec') found.push(createFinding('redis_fsync_every_second', server, {}));
  return found;
}

/** `wanted` is how many replicas have to confirm what is written. */
export function checkReplicas(server: string, info: InfoFields, wanted: number): Finding[] {
  if (info.get('role') !== 'master') return [];
  const replicas = [...info].filter(([name]) => /^slave\d+$/.test(name));
  const online = replicas.filter(([, state]) => state.includes('state=online')).length;
  const found: Finding[] = [];
  if (online < wanted) found.push(createFinding('redis_too_few_replicas', server, { wanted, online }));
  // Redis shows the field where both min-replicas settings are above 0.
  const requiresReplicas = info.has('min_slaves_good_slaves');
  if (replicas.length > 0 && !requiresReplicas) found.push(createFinding('redis_min_replicas', server, {}));
  return found;
}
