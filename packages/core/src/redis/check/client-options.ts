// What is not safe about the options of a client. The store holds all the same; its calls fail later or oftener.
import { isCluster, type RedisClient } from '../client.js';
import { type Finding, finding } from './findings.js';

export function unsafeOptions(client: RedisClient): Finding[] {
  const { options } = client;
  const found: Finding[] = [];
  if (options.enableOfflineQueue !== false) found.push(finding('redis_offline_queue', 'client', {}));
  if (options.maxRetriesPerRequest === null || options.redisOptions?.maxRetriesPerRequest === null) {
    found.push(finding('redis_unlimited_retries', 'client', {}));
  }
  if (options.enableAutoPipelining === true) found.push(finding('redis_auto_pipelining', 'client', {}));
  if ((isCluster(client) && (options.scaleReads ?? 'master') !== 'master') || options.role === 'slave') {
    found.push(finding('redis_reads_from_replicas', 'client', {}));
  }
  return found;
}
