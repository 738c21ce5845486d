// How far away a server is, and what its clock says.
import type { RedisNode } from '../../connection/redis-client.js';
import { ReplyReader } from '../../wire/reply-reader.js';
import type { CapabilityProbe } from './capability-probe.js';
import { createFinding, type Finding } from './findings.js';

const sampleCount = 5;
const minClockDifferenceMs = 1_000;

/** The median of some round trips, and the clock as the quickest of them saw it. */
export async function checkLatencyAndClock(
  server: string,
  interview: CapabilityProbe,
  node: RedisNode,
  callTimeoutMs: number,
): Promise<Finding[]> {
  const seen: { readonly tookMs: number; readonly aheadMs: number }[] = [];
  for (let sample = 0; sample < sampleCount; sample += 1) {
    const askedAt = Date.now();
    const began = performance.now();
    const reply = await interview.query(node, 'TIME');
    const tookMs = performance.now() - began;
    if (reply === undefined) return [];
    const time = new ReplyReader('TIME', reply);
    seen.push({ tookMs, aheadMs: time.readNumber() * 1_000 + time.readNumber() / 1_000 - (askedAt + tookMs / 2) });
  }
  seen.sort((a, b) => a.tookMs - b.tookMs);
  const found: Finding[] = [];
  const median = seen[Math.floor(sampleCount / 2)]?.tookMs ?? 0;
  if (median > callTimeoutMs / 10) {
    found.push(createFinding('redis_slow', server, { tookMs: Math.round(median), callTimeoutMs }));
  }
  const { aheadMs = 0, tookMs = 0 } = seen[0] ?? {};
  // Where within the round trip the server looked at its clock is not known.
  if (Math.abs(aheadMs) - tookMs / 2 > minClockDifferenceMs) {
    const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
    found.push(
      createFinding('redis_clock_differs', server, { seconds, direction: aheadMs > 0 ? 'ahead' : 'behind that' }),
    );
  }
  return found;
}
