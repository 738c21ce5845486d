// npm run check: everything about the code that can be judged without running it. All steps run; any failure fails.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkNames } from './names.mjs';
import { bin, root, runLineByLine, timeSince } from './processes.mjs';
import { packageFolders, prepare } from './workspace.mjs';

const MAX_LINES = 250;

/** Entry points for import alone. */
const esModules = ['adapters'];

const steps = {
  'packages as published': checkTarballs,
  'promises are awaited': () => judge('oxlint', ['--type-aware', '--deny-warnings', '.']),
  'types of the tests': () => judge('tsc', ['-p', 'test']),
  'nothing unused': () => judge('knip', []),
  'types of the examples': () => judge('tsc', ['-p', 'examples']),
  'types of the benchmark': () => judge('tsc', ['-p', 'bench']),
  'types of the inspector page': () => judge('tsc', ['-p', join('packages', 'inspector', 'page')]),
  'format and lint': () => judge('biome', ['check', '--error-on-warnings', '.']),
  [`no source over ${MAX_LINES} lines`]: checkLength,
  'names are terms of the field': checkNames,
};

/** Most tools work on one core for most of their time. */
const MAX_STEPS_AT_ONCE = 2;

await prepare();
const statuses = await runAll(Object.entries(steps));
console.log('');
for (const [name, status] of statuses) console.log(`${status === 0 ? '✓' : '✗'} ${name}`);
process.exitCode = [...statuses.values()].some((status) => status !== 0) ? 1 : 0;

/** Runs all steps, some at once; answers the exit status of each in their order. */
async function runAll(entries) {
  const results = new Map(entries.map(([name]) => [name, 1]));
  const waiting = [...entries];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, step] = next;
      const startedAt = performance.now();
      const status = await step();
      results.set(name, status);
      console.log(`${status === 0 ? '✓' : '✗'} ${name}: ${timeSince(startedAt)}`);
    }
  };
  await Promise.all(Array.from({ length: MAX_STEPS_AT_ONCE }, work));
  return results;
}

/** Packs each package as for the registry, and asks publint and attw about the tarball. */
async function checkTarballs() {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-pack-'));
  try {
    // One process for all: each start of pnpm takes longer than to pack a package.
    const args = ['--recursive', '--filter', './packages/*', 'pack', '--pack-destination', folder];
    const packed = await judge('pnpm', args);
    const tarballs = readdirSync(folder);
    if (tarballs.length !== packageFolders.length) {
      console.error(`${packageFolders.length} packages, and ${tarballs.length} tarballs of them`);
      return 1;
    }
    let status = packed;
    for (const name of tarballs) {
      // Every way in which TypeScript resolves modules, node10 too: many CommonJS projects still have that.
      const attwArgs = [name, '--profile', 'strict', '--exclude-entrypoints', ...esModules];
      const judged = await Promise.all([judge('publint', [name, '--strict'], folder), judge('attw', attwArgs, folder)]);
      status = Math.max(status, ...judged);
    }
    return status;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs a tool, and prints what it says only when it finds something; answers its exit status. */
async function judge(tool, args, cwd = root) {
  const lines = [];
  const status = await runLineByLine(bin(tool), args, (line) => lines.push(line), { cwd });
  if (status !== 0) console.error(`\n${tool} ${args.join(' ')}\n${lines.join('\n')}`);
  return status;
}

function checkLength() {
  const list = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  if (list.status !== 0) {
    console.error(list.stderr);
    return 1;
  }
  const sources = list.stdout.split('\n').filter((file) => /\.(ts|tsx|mts|cts|js|mjs|cjs|lua)$/.test(file));
  const long = sources
    .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  for (const { file, lines } of long) console.error(`${file}: ${lines} lines`);
  return long.length > 0 ? 1 : 0;
}
