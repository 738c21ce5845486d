// The server under test, in its own process: serves one row, and reports what it has used so far.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runsSoFar } from '../apps/payment.js';
import type { StoreLocation } from '../row.js';
import { rowNamed } from '../rows.js';
import { AllocationMeter } from './allocation-meter.js';
import { endWithParent, serveRequests } from './child-process.js';

export interface Usage {
  /** User and system time since the process began. */
  readonly cpuMicros: number;
  readonly peakRssBytes: number;
  /** The bytes still referenced after a garbage collection; null, unless asked for. */
  readonly liveBytes: number | null;
  /** The bytes that were allocated since `allocation: 'begin'`; null, unless asked for. */
  readonly allocatedBytes: number | null;
  /** How often the work was done. */
  readonly runs: number;
}

export interface UsageRequest {
  readonly measuresLiveBytes?: boolean;
  /** Begins to count allocated bytes, or ends that. */
  readonly allocation?: 'begin' | 'end';
}

endWithParent();
const [rowName = '', location = ''] = process.argv.slice(2);
const app = await rowNamed(rowName).open(JSON.parse(location) as StoreLocation);
// The load keeps its connections open while other rows are measured.
const server = createServer({ keepAliveTimeout: 0 }, app);
// The backlog holds as many connections as a load opens at once.
server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 });
await once(server, 'listening');

const allocations = new AllocationMeter();
serveRequests(({ measuresLiveBytes = false, allocation }: UsageRequest): Usage => {
  if (allocation === 'begin') allocations.begin();
  const { user, system } = process.cpuUsage();
  const peakRssBytes = process.resourceUsage().maxRSS * 1_024;
  return {
    cpuMicros: user + system,
    peakRssBytes,
    liveBytes: measuresLiveBytes ? liveBytes() : null,
    allocatedBytes: allocation === 'end' ? allocations.end() : null,
    runs: runsSoFar(),
  };
});
process.send?.({ port: (server.address() as AddressInfo).port });

function liveBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
