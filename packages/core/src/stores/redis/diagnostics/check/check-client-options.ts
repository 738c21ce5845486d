// Checks the options of a client. An unsafe client does not break the store; its calls only fail later or more often.
import { isCluster, type RedisClient } from '../../connection/redis-client.js';
import { createFinding, type Finding } from './findings.js';

export function checkClientOptions(client: RedisClient): Finding[] {
  const { options } = client;
  const findings: Finding[] = [];
  if (options.enableOfflineQueue !== false) findings.push(createFinding('redis_offline_queue', 'client', {}));
  if (options.maxRetriesPerRequest === null || options.redisOptions?.maxRetriesPerRequest === null) {
    findings.push(createFinding('redis_unlimited_retries', 'client', {}));
  }
  if (options.enableAutoPipelining === true) findings.push(createFinding('redis_auto_pipelining', 'client', {}));
  if ((isCluster(client) && (options.scaleReads ?? 'master') !== 'master') || options.role === 'slave') {
    findings.push(createFinding('redis_reads_from_replicas', 'client', {}));
  }
  return findings;
}
