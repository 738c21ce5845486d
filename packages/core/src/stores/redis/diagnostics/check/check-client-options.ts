// What is not safe about the options of a client. The store holds all the same; its calls fail later or oftener.
import { isCluster, type RedisClient } from '../../connection/redis-client.js';
import { createFinding, type Finding } from './findings.js';

export function checkClientOptions(client: RedisClient): Finding[] {
  const { options } = client;
  const found: Finding[] = [];
  if (options.enableOfflineQueue !== false) found.push(createFinding('redis_offline_queue', 'client', {}));
  if (options.maxRetriesPerRequest === null || options.redisOptions?.maxRetriesPerRequest === null) {
    found.push(createFinding('redis_unlimited_retries', 'client', {}));
  }
  if (options.enableAutoPipelining === true) found.push(createFinding('redis_auto_pipelining', 'client', {}));
  if ((isCluster(client) && (options.scaleReads ?? 'master') !== 'master') || options.role === 'slave') {
    found.push(createFinding('redis_reads_from_replicas', 'client', {}));
  }
  return found;
}
