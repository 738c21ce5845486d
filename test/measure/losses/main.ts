// npm run measure:losses [-- --sql]: how many acknowledged operations each setting of Redis, or of PostgreSQL, loses to each fault.
import { createRequire } from 'node:module';
import { startRedis } from '@onceguard/testing';
import { findPostgres } from '../../support/postgres-programs.js';
import { lossRows } from './all-loss-rows.js';
import { sqlLossRows } from './sql-loss-rows.js';

const isSql = process.argv.includes('--sql');
const count = isSql ? 300 : 500;
const limitMs = isSql ? 600_000 : 120_000;

const widths = [48, 42, 12, 8, 9, 12];

setTimeout(() => {
  console.error(`The measurement was not over after ${limitMs} ms.`);
  process.exit(1);
}, limitMs).unref();

if (isSql) await measureSql();
else await measureRedis();

async function measureRedis(): Promise<void> {
  console.log(await versions());
  print(['setting', 'fault', 'acknowledged', 'refused', 'run again', 'outcome gone']);
  for (const { setting, fault, measure } of lossRows) {
    const { acknowledged, refused, runAgain, outcomeGone } = await measure(count);
    print([setting, fault, acknowledged, refused, runAgain, outcomeGone]);
  }
}

async function measureSql(): Promise<void> {
  console.log(`PostgreSQL of ${findPostgres().postgres}, Node ${process.versions.node}\n`);
  print(['setting', 'fault', 'acknowledged', 'refused', 'run again', 'disagree']);
  for (const { mode, setting, fault, measure } of sqlLossRows) {
    const { acknowledged, refused, runAgain, disagree } = await measure(count);
    print([`${mode}: ${setting}`, fault, acknowledged, refused, runAgain, disagree]);
  }
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
