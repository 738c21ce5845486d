// The sentences about a billion keys a day are computed from the measurements.
import { expect, test } from 'vitest';
import { growthCharts } from '../../bench/growth/growth-charts.js';
import { billionSentences } from '../../bench/report/billion-keys.js';
import { sliceWith } from './slice-builder.js';

const ours = { row: 'onceguard-redis', cpuMicros: 600, redisMicros: 10 };
const growth = {
  slices: [
    sliceWith({ ...ours, load: 'connections: fresh', at: 1, cpuMicros: 500 }),
    sliceWith({ ...ours, load: 'connections: fresh', at: 32 }),
    sliceWith({ ...ours, load: 'connections: fresh', at: 512, cpuMicros: 700 }),
    sliceWith({ row: 'bare', load: 'connections: fresh', at: 32, cpuMicros: 400 }),
    sliceWith({ ...ours, load: 'body: fresh', at: 2_000 }),
    sliceWith({ ...ours, load: 'body: fresh', at: 200_000, cpuMicros: 3_000 }),
    sliceWith({ ...ours, load: 'records: fresh', at: 1_000, redisMicros: 9 }),
    sliceWith({ ...ours, load: 'records: fresh', at: 1_000_000 }),
    sliceWith({ ...ours, load: 'duplicates', at: 32, cpuMicros: 100 }),
    sliceWith({ row: 'onceguard-waiting', load: 'duplicates', at: 32, cpuMicros: 200, redisCommands: 0.06 }),
    sliceWith({ ...ours, load: 'processes', at: 1, perSecond: 2_000 }),
    sliceWith({ ...ours, load: 'processes', at: 4, perSecond: 3_000 }),
    sliceWith({ ...ours, load: 'shards: fresh', at: 1, redisMicros: 12 }),
    sliceWith({ ...ours, load: 'shards: fresh', at: 3, redisMicros: 15 }),
  ],
  bytesPerRecord: [
    { at: 1_000, bytes: 320 },
    { at: 1_000_000, bytes: 300 },
  ],
  memory: [],
};
const sentences = billionSentences(growth);

test('Every growth chart has a sentence', () => {
  expect(Object.keys(sentences).sort()).toEqual(growthCharts.map(({ name }) => name).sort());
});

// 10^9 / 86,400 = 11,574 keys a second.
test.each([
  ['connections', ['500 µs on one connection', '700 µs on 512', 'use 6.9 cores', 'of which 2.3 cores']],
  ['body', ['2,300 GB in 92 shards of 25 GB, and 6.9 cores', '200,300 GB and 34.7 cores']],
  ['records', ['With 1,000,000 records, one takes 300 bytes', '10 µs of Redis (9 µs with 1,000)', '500 GB: 20 shards']],
  ['duplicates', ['0.06 Redis commands', '0.4 cores, or 0.7 cores if they wait']],
  [
    'processes',
    ['2,000 fresh requests a second', '4 together handle 3,000', '6 such processes', '12 % of one Redis core'],
  ],
  ['shards', ['15 µs of one of three shards', '6 % of a core of each']],
])('The sentence about %s says %j', (name, parts) => {
  for (const part of parts) expect(sentences[name]).toContain(part);
});

test('Where a measurement is missing, there is no sentence', () => {
  expect(billionSentences({ slices: [], bytesPerRecord: [], memory: [] })).toEqual({});
});
