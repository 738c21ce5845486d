// How far away a server is, and what its clock says.
import type { RedisNode } from '../client.js';
import { Reply } from '../reply.js';
import { type Finding, finding } from './findings.js';
import type { Interview } from './interview.js';

const samples = 5;
const leastDifferenceMs = 1_000;

/** The median of some round trips, and the clock as the quickest of them saw it. */
export async function judgeTiming(
  server: string,
  interview: Interview,
  node: RedisNode,
  storeTimeoutMs: number,
): Promise<Finding[]> {
  const seen: { readonly tookMs: number; readonly aheadMs: number }[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const askedAt = Date.now();
    const began = performance.now();
    const reply = await interview.ask(node, 'TIME');
    const tookMs = performance.now() - began;
    if (reply === undefined) return [];
    const time = new Reply('TIME', reply);
    seen.push({ tookMs, aheadMs: time.number() * 1_000 + time.number() / 1_000 - (askedAt + tookMs / 2) });
  }
  seen.sort((a, b) => a.tookMs - b.tookMs);
  const found: Finding[] = [];
  const median = seen[Math.floor(samples / 2)]?.tookMs ?? 0;
  if (median > storeTimeoutMs / 10) {
    found.push(finding('redis_slow', server, { tookMs: Math.round(median), storeTimeoutMs }));
  }
  const { aheadMs = 0, tookMs = 0 } = seen[0] ?? {};
  // Where within the round trip the server looked at its clock is not known.
  if (Math.abs(aheadMs) - tookMs / 2 > leastDifferenceMs) {
    const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
    found.push(finding('redis_clock_differs', server, { seconds, direction: aheadMs > 0 ? 'ahead' : 'behind that' }));
  }
  return found;
}
