// Measures the round-trip time to a server, and compares its clock with the clock of this process.
import { createFinding, type Finding } from './findings.js';
import type { ServerCheck } from './server-check.js';

const sampleCount = 5;
const minClockDifferenceMs = 1_000;

interface ClockSample {
  readonly tookMs: number;
  /** By how much the server's clock is ahead of this process. */
  readonly aheadMs: number;
}

/** Judges the median of the round trips, and the clock as the fastest round trip shows it. */
export async function checkLatencyAndClock(check: ServerCheck): Promise<Finding[]> {
  const { server, options } = check;
  const samples = await takeSamples(check);
  const fastest = samples[0];
  if (fastest === undefined) return [];
  const findings: Finding[] = [];
  const { callTimeoutMs } = options;
  const medianMs = samples[Math.floor(sampleCount / 2)]?.tookMs ?? 0;
  if (medianMs > callTimeoutMs / 10) {
    findings.push(createFinding('redis_slow', server, { tookMs: Math.round(medianMs), callTimeoutMs }));
  }
  const { aheadMs, tookMs } = fastest;
  // The server read its clock at an unknown moment within the round trip.
  if (Math.abs(aheadMs) - tookMs / 2 > minClockDifferenceMs) {
    const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
    const direction = aheadMs > 0 ? 'ahead of' : 'behind';
    findings.push(createFinding('redis_clock_differs', server, { seconds, direction }));
  }
  return findings;
}

/** Fastest first. Empty: the server refuses TIME. */
async function takeSamples({ probe }: ServerCheck): Promise<ClockSample[]> {
  const samples: ClockSample[] = [];
  for (let count = 0; count < sampleCount; count += 1) {
    const sentAt = Date.now();
    const startedAt = performance.now();
    const reply = await probe.query('TIME');
    const tookMs = performance.now() - startedAt;
    if (reply === undefined) return [];
    const time = probe.readerOf('TIME', reply);
    samples.push({ tookMs, aheadMs: time.readNumber() * 1_000 + time.readNumber() / 1_000 - (sentAt + tookMs / 2) });
  }
  return samples.sort((a, b) => a.tookMs - b.tookMs);
}
