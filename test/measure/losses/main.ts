// npm run measure:losses: how many acknowledged operations each setting of Redis loses to each fault.
import { createRequire } from 'node:module';
import { startRedis } from '@onceguard/testing';
import { lossRows } from './all-loss-rows.js';

const count = 500;
const limitMs = 120_000;

const widths = [48, 38, 12, 8, 9, 11];

setTimeout(() => {
  console.error(`The measurement was not over after ${limitMs} ms.`);
  process.exit(1);
}, limitMs).unref();

console.log(await versions());
print(['setting', 'fault', 'acknowledged', 'refused', 'run again', 'outcome gone']);
for (const { setting, fault, measure } of lossRows) {
  const { acknowledged, refused, runAgain, outcomeGone } = await measure(count);
  print([setting, fault, acknowledged, refused, runAgain, outcomeGone]);
}

function print(cells: readonly (string | number)[]): void {
  const padded = cells.map((cell, at) => {
    const width = widths[at] ?? 0;
    return typeof cell === 'number' ? String(cell).padStart(width) : cell.padEnd(width);
  });
  console.log(padded.join('  ').trimEnd());
}

async function versions(): Promise<string> {
  const server = await startRedis();
  const redis = /redis_version:(\S+)/.exec(String(await server.command('INFO', 'server')))?.[1];
  await server.stop();
  const ioredis: { version: string } = createRequire(import.meta.url)('ioredis/package.json');
  return `Redis ${redis}, ioredis ${ioredis.version}, Node ${process.versions.node}\n`;
}
